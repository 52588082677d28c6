from django import forms
from django.contrib.auth import get_user_model

from .models import Member, Newsletter


class SignUpForm(forms.Form):
    name = forms.CharField(
        max_length=150, widget=forms.TextInput({"autocomplete": "name"})
    )
    # As long as a user name may be, because it is the user name too.
    email = forms.EmailField(
        label="E-mail address",
        max_length=150,
        widget=forms.EmailInput({"autocomplete": "email"}),
    )

    def clean_email(self):
        email = self.cleaned_data["email"].lower()
        if get_user_model().objects.filter(username=email).exists():
            raise forms.ValidationError(self.taken)
        return email

    def save(self):
        """Create the user, who chooses a password later, and the member."""
        email = self.cleaned_data["email"]
        user = get_user_model().objects.create_user(
            username=email, email=email, first_name=self.cleaned_data["name"]
        )
        return Member.objects.create(user=user)

    taken = "Somebody has signed up with this address already."


class NewsletterForm(forms.ModelForm):
    class Meta:
        model = Newsletter
        fields = ["subject", "body"]
        widgets = {"body": forms.Textarea({"rows": 5})}
