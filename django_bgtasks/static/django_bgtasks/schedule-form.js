/* The form of a schedule: the fields of its kind, and its next runs as one types. */
"use strict";
{
    const FIELDS_OF_KIND = {
        crontab: ["crontab"],
        interval: ["every", "anchor_at"],
        clocked: ["clocked_at"],
        solar: ["solar_event", "latitude", "longitude"],
    };
    const TIMING = [
        "kind", "timezone", "start_at", "end_at",
        ...Object.values(FIELDS_OF_KIND).flat(),
    ];
    const WAIT = 250;

    const form = document.getElementById("schedule_form");
    const box = document.querySelector("[data-bgtasks-preview]");

    /* The inputs of a field; a moment has two, for the date and the time. */
    function inputsOf(name) {
        return [name, `${name}_0`, `${name}_1`]
            .map((each) => form.elements.namedItem(each))
            .filter((each) => each && each.type !== "hidden");
    }

    /* Themes put rows within rows; the one that is a field's own bears its name. */
    function rowOf(name) {
        return form.querySelector(`.field-${name}`);
    }

    function showFieldsOfKind(kind) {
        if (!(kind in FIELDS_OF_KIND)) {
            return;
        }
        for (const [each, names] of Object.entries(FIELDS_OF_KIND)) {
            for (const name of names) {
                const row = rowOf(name);
                if (row) {
                    row.hidden = each !== kind;
                }
            }
        }
    }

    /* The browser's own zone, beside that of the schedule. */
    function tellTimesHere(root) {
        const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
        const format = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
            weekday: "short", day: "numeric", month: "short", year: "numeric",
            hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
            timeZoneName: "short",
        });
        for (const cell of root.querySelectorAll("[data-bgtasks-here]")) {
            const moment = cell.dataset.bgtasksHere;
            if (moment) {
                cell.textContent = format.format(new Date(moment));
            } else {
                cell.textContent = `${cell.textContent} (${here})`;
            }
            cell.hidden = false;
        }
    }

    function startPreview() {
        // What was refused when the form was sent is wrong until it is put right.
        const touched = new Set(
            TIMING.filter((name) => rowOf(name)?.querySelector("ul.errorlist")),
        );
        let timer = null;
        let asked = null;

        function changed(name) {
            return touched.has(name) || inputsOf(name).some((each) => each.value);
        }

        /* What is wrong is said at a field once somebody has been there. */
        function showErrors(errors) {
            for (const name of TIMING) {
                const row = rowOf(name);
                if (!row) {
                    continue;
                }
                row.querySelectorAll("ul.errorlist").forEach((each) => each.remove());
                const texts = changed(name) ? errors[name] || [] : [];
                row.classList.toggle("errors", texts.length > 0);
                const inputs = inputsOf(name);
                inputs.forEach((each) => {
                    each.removeAttribute("aria-invalid");
                    each.removeAttribute("aria-errormessage");
                    if (texts.length) {
                        each.setAttribute("aria-invalid", "true");
                    }
                });
                if (texts.length && inputs.length) {
                    const list = document.createElement("ul");
                    list.className = "errorlist bgtasks-live";
                    list.id = `${inputs[0].id}_live`;
                    inputs.forEach((each) => each.setAttribute("aria-errormessage", list.id));
                    for (const text of texts) {
                        const item = document.createElement("li");
                        item.textContent = text;
                        list.append(item);
                    }
                    row.prepend(list);
                }
            }
        }

        async function ask() {
            if (asked) {
                asked.abort();
            }
            asked = new AbortController();
            const body = new URLSearchParams({
                csrfmiddlewaretoken: form.elements.namedItem("csrfmiddlewaretoken").value,
                schedule: box.dataset.bgtasksSchedule,
            });
            for (const name of TIMING) {
                for (const input of inputsOf(name)) {
                    body.append(input.name, input.value);
                }
            }
            try {
                const response = await fetch(box.dataset.bgtasksPreview, {
                    method: "POST", body, signal: asked.signal,
                    headers: {Accept: "application/json"},
                });
                if (!response.ok) {
                    throw new Error(response.statusText);
                }
                const answer = await response.json();
                // Made and escaped by the template of the page itself.
                box.innerHTML = answer.html;
                box.removeAttribute("data-bgtasks-stale");
                tellTimesHere(box);
                showErrors(answer.errors);
            } catch (error) {
                if (error.name !== "AbortError") {
                    // What is there is no longer true.
                    box.dataset.bgtasksStale = "";
                }
            }
        }

        function soon(event) {
            const name = event.target.name.replace(/_[01]$/, "");
            if (!TIMING.includes(name)) {
                return;
            }
            touched.add(name);
            if (name === "kind") {
                showFieldsOfKind(event.target.value);
            }
            clearTimeout(timer);
            timer = setTimeout(ask, WAIT);
        }

        form.addEventListener("input", soon);
        form.addEventListener("change", soon);
        ask();
    }

    function startAbout() {
        const select = form.elements.namedItem("task_path");
        const about = form.querySelector("[data-bgtasks-about]");
        const data = document.getElementById("bgtasks-tasks");
        if (!select || !about || !data) {
            return;
        }
        const tasks = JSON.parse(data.textContent);
        select.addEventListener("change", () => {
            const task = tasks[select.value] || {signature: "", text: ""};
            about.querySelector("code").textContent = task.signature;
            about.querySelector("p").textContent = task.text;
        });
    }

    /* A deed is done to what is saved, and leads away from what is not. */
    function guardDeeds() {
        let isDirty = false;
        form.addEventListener("input", () => {
            isDirty = true;
        });
        document.querySelectorAll("form[data-bgtasks-unsaved]").forEach((deed) => {
            deed.addEventListener("submit", (event) => {
                if (isDirty && !window.confirm(deed.dataset.bgtasksUnsaved)) {
                    event.preventDefault();
                }
            });
        });
    }

    if (form) {
        guardDeeds();
    }
    if (form && box) {
        const kind = form.elements.namedItem("kind");
        if (kind) {
            showFieldsOfKind(kind.value);
            startPreview();
        } else {
            tellTimesHere(box);
        }
        startAbout();
    }
}
