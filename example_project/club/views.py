from django.conf import settings
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from . import jobs, tasks
from .forms import NewsletterForm, SignUpForm
from .models import Delivery, Member, Newsletter

WELCOME_POINTS = 100


def home(request):
    return render(request, "club/home.html", {"jobs": jobs.recent(request)})


def sign_up(request):
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            # One transaction: there is no user without the e-mail to come, and no
            # e-mail to a user whose sign-up failed in the end.
            with transaction.atomic():
                member = form.save()
                welcome = tasks.send_welcome_email.enqueue(member.pk)
                credit = tasks.credit_points.enqueue(
                    member.pk, WELCOME_POINTS, "Welcome"
                )
        except IntegrityError:
            # Two requests with the same address at the same time.
            form.add_error("email", SignUpForm.taken)
        else:
            jobs.remember(request, welcome, credit)
            messages.success(
                request, f"Welcome, {member}. An e-mail is on its way to you."
            )
            return redirect("job", welcome.id)
    return render(request, "club/sign_up.html", {"form": form})


@require_POST
def start_report(request):
    return _follow(request, tasks.build_report.enqueue())


@require_POST
def start_rates(request):
    return _follow(request, tasks.look_up_rates.enqueue())


@require_POST
def start_timings(request):
    paths = [reverse("home"), reverse("sign-up"), reverse("login")]
    return _follow(request, tasks.time_pages.enqueue(settings.SITE_URL, paths))


def _follow(request, result):
    jobs.remember(request, result)
    return redirect("job", result.id)


@never_cache
def job(request, job_id):
    result = jobs.find(request, job_id)
    context = {
        "result": result,
        "job": jobs.describe(result),
        "failed": result.status == "FAILED",
    }
    if result.status == "SUCCESSFUL":
        context["value"] = result.return_value
    is_report = result.task.name == tasks.build_report.name
    return render(request, f"club/{'report' if is_report else 'job'}.html", context)


@never_cache
def job_status(request, job_id):
    return JsonResponse(jobs.describe(jobs.find(request, job_id)))


@require_POST
def cancel_job(request, job_id):
    if not jobs.find(request, job_id).cancel():
        messages.info(request, "It had finished already.")
    return redirect("job", job_id)


@require_POST
def run_job_again(request, job_id):
    try:
        jobs.find(request, job_id).retry()
    except ValueError:
        messages.info(request, "It has not finished yet.")
    return redirect("job", job_id)


@login_required
def points(request):
    member, _ = Member.objects.get_or_create(user=request.user)
    if request.method == "POST":
        return _follow(
            request, tasks.credit_points.enqueue(member.pk, 10, "Read a book")
        )
    return render(request, "club/points.html", {"member": member})


@staff_member_required(login_url="login")
def newsletters(request):
    form = NewsletterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            letter = form.save()
            Delivery.objects.bulk_create(
                Delivery(newsletter=letter, member=member)
                for member in Member.objects.all()
            )
            # A few statements, however many members there are.
            tasks.deliver_newsletter.enqueue_many(
                ((pk,), {}) for pk in letter.deliveries.values_list("pk", flat=True)
            )
        return redirect("newsletter", letter.pk)
    context = {
        "form": form,
        "newsletters": Newsletter.objects.all()[:20],
        "members": Member.objects.count(),
    }
    return render(request, "club/newsletters.html", context)


@staff_member_required(login_url="login")
def newsletter(request, pk):
    letter = get_object_or_404(Newsletter, pk=pk)
    context = {"newsletter": letter, "job": _sending(letter)}
    return render(request, "club/newsletter.html", context)


@never_cache
@staff_member_required(login_url="login")
def newsletter_status(request, pk):
    return JsonResponse(_sending(get_object_or_404(Newsletter, pk=pk)))


def _sending(letter):
    total = letter.deliveries.count()
    sent = letter.deliveries.filter(sent_at__isnull=False).count()
    finished = sent == total
    return {
        "state": "sent" if finished else "being sent",
        "finished": finished,
        "progress": {"done": sent, "total": total},
        "attempts": [],
    }
