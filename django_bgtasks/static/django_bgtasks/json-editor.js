/* Text areas for JSON: indentation, pairs of brackets, and whether it is right. */
"use strict";
{
    const PAIRS = {"[": "]", "{": "}", '"': '"'};
    const STEP = "  ";

    /* Write over the selection so that it can be undone. */
    function write(area, text) {
        area.focus();
        if (!document.execCommand("insertText", false, text)) {
            area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
            area.dispatchEvent(new Event("input", {bubbles: true}));
        }
    }

    function isInText(before) {
        let inside = false;
        for (let at = 0; at < before.length; at += 1) {
            if (before[at] === "\\" && inside) {
                at += 1;
            } else if (before[at] === '"') {
                inside = !inside;
            }
        }
        return inside;
    }

    function newLine(area) {
        const before = area.value.slice(0, area.selectionStart);
        const after = area.value.slice(area.selectionEnd);
        const indent = /[ \t]*/.exec(before.slice(before.lastIndexOf("\n") + 1))[0];
        if (!/[[{]\s*$/.test(before) || isInText(before)) {
            write(area, `\n${indent}`);
            return;
        }
        write(area, `\n${indent}${STEP}`);
        if (/^\s*[\]}]/.test(after)) {
            const caret = area.selectionStart;
            write(area, `\n${indent}`);
            area.setSelectionRange(caret, caret);
        }
    }

    function onKey(event) {
        const area = event.target;
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
            return;
        }
        const next = area.value[area.selectionEnd];
        const isEmpty = area.selectionStart === area.selectionEnd;
        const before = area.value.slice(0, area.selectionStart);
        if (event.key === "Enter") {
            event.preventDefault();
            newLine(area);
        } else if (isEmpty && next === event.key && /[\]}"]/.test(next) &&
                (next !== '"' || isInText(before)) && !before.endsWith("\\")) {
            // Typing the end of a pair steps over it.
            event.preventDefault();
            area.setSelectionRange(area.selectionEnd + 1, area.selectionEnd + 1);
        } else if (isEmpty && event.key in PAIRS && !isInText(before) &&
                (next === undefined || /[\s\],}]/.test(next))) {
            event.preventDefault();
            write(area, event.key + PAIRS[event.key]);
            area.setSelectionRange(area.selectionStart - 1, area.selectionStart - 1);
        }
    }

    /* Indent by its brackets alone: reading the numbers would round the large ones. */
    function formatted(text) {
        let out = "";
        let depth = 0;
        const parts = text.match(/"(?:\\.|[^"\\])*"|[[\]{},:]|[^\s[\]{},:"]+/g) || [];
        const line = () => `\n${STEP.repeat(depth)}`;
        parts.forEach((part, index) => {
            const next = parts[index + 1];
            if (part === "[" || part === "{") {
                depth += 1;
                out += next === PAIRS[part] ? part : part + line();
            } else if (part === "]" || part === "}") {
                depth -= 1;
                const opened = parts[index - 1];
                out += PAIRS[opened] === part ? part : line() + part;
            } else if (part === ",") {
                out += part + line();
            } else {
                out += part === ":" ? ": " : part;
            }
        });
        return out;
    }

    function judge(text, kind, words) {
        if (!text.trim()) {
            return "";
        }
        let value;
        try {
            value = JSON.parse(text);
        } catch (error) {
            return error.message;
        }
        const isList = Array.isArray(value);
        const isObject = value !== null && typeof value === "object" && !isList;
        if (kind === "array" && !isList) {
            return words.array;
        }
        if (kind === "object" && !isObject) {
            return words.object;
        }
        return "";
    }

    function start(area) {
        const words = JSON.parse(area.dataset.bgtasksWords);
        const verdict = document.createElement("output");
        verdict.className = "bgtasks-verdict";
        verdict.id = `${area.id}_verdict`;
        verdict.setAttribute("for", area.id);
        const tidy = document.createElement("button");
        tidy.type = "button";
        tidy.className = "bgtasks-tidy";
        tidy.textContent = words.indent;
        tidy.setAttribute("aria-controls", area.id);
        const bar = document.createElement("div");
        bar.className = "bgtasks-json-bar";
        bar.append(tidy, verdict);
        const box = document.createElement("div");
        box.className = "bgtasks-json-box";
        area.before(box);
        box.append(area, bar);
        area.setAttribute("aria-describedby",
            `${area.getAttribute("aria-describedby") || ""} ${verdict.id}`.trim());

        function look() {
            const problem = judge(area.value, area.dataset.bgtasksJson, words);
            verdict.textContent = problem || (area.value.trim() ? words.valid : "");
            verdict.classList.toggle("bgtasks-wrong", Boolean(problem));
            area.rows = Math.min(20, Math.max(2, area.value.split("\n").length + 1));
        }

        tidy.addEventListener("click", () => {
            const text = formatted(area.value);
            if (text !== area.value) {
                area.focus();
                area.select();
                write(area, text);
            }
        });
        area.addEventListener("keydown", onKey);
        area.addEventListener("input", look);
        look();
    }

    document.querySelectorAll("textarea[data-bgtasks-json]").forEach(start);
}
