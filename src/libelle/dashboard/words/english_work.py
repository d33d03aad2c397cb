"""English of the pages where people work: trying a text, reviewing."""

ENGLISH_WORK = {
    "page_review": "Review",
    "review_title": "Texts to review",
    "review_text": "Text",
    "review_candidates": "Candidates",
    "review_hidden": (
        "The candidates of the model are hidden for this text: search the code yourself. They "
        "will be shown afterwards."
    ),
    "review_no_candidate": "The model proposes nothing: search the code.",
    "review_search": "Search another code",
    "review_go": "Search",
    "review_skip": "Skip",
    "review_skip_why": "Why skip this text?",
    "review_skip_information": "Not enough information",
    "review_skip_ambiguous": "Several codes would do",
    "review_skip_aside": "Later, without a verdict",
    "review_undo": "Undo",
    "review_undo_last": "Go back to the last verdict",
    "review_again": "You answered this text: that verdict stands until you give another one.",
    "review_last": "Last verdicts",
    "review_kept": "Verdict kept: {said}",
    "review_said_not_enough_information": "not enough information",
    "review_said_ambiguous_nomenclature": "several codes would do",
    "review_put_aside": "given back, without a verdict",
    "review_proposed": "the model proposed {code} ({share})",
    "review_given_one": "{n} text judged by you",
    "review_given_many": "{n} texts judged by you",
    "review_left": "{n} to judge",
    "review_left_cut": "more than {n} to judge",
    "review_agreement": (
        "Texts judged by two people: {n_alike} same verdicts out of {n_twice} ({share})."
    ),
    "review_agreement_none": (
        "One text in twenty is judged by two people; none was judged twice yet."
    ),
    "review_off": (
        "<b>Nothing to review here.</b> No log of the answers is kept: give it a place with "
        "<code>LIBELLE_LOG_URI</code>."
    ),
    "review_empty": "<b>Nothing to review.</b> No text waits for a verdict.",
    "review_done": "<b>Done.</b> All the texts that waited have a verdict. Thank you!",
    "review_elsewhere": (
        "<b>Nothing for you now.</b> The texts that are left are with other people, or were put "
        "aside by you. Come back in some minutes."
    ),
    "review_no_text": (
        "<b>No text is kept.</b> {n} answers are to be reviewed, but the log does not keep their "
        "texts."
    ),
    "review_reading": "The log is being read. Reload the page in a moment.",
    "review_unread": (
        "The log, the verdicts or the sample of an audit could not be read again: what follows "
        "may be old."
    ),
    "review_how_title": "How to have texts kept",
    "review_how": (
        "By default the log keeps no text: texts may be personal data. To review, have those to "
        "review kept, for thirty days at most: give the API the setting "
        "<code>LIBELLE_TEXT_POLICY=review</code>, then start it again. The texts that come next "
        "will appear here. Enter this processing in the register."
    ),
    "review_refused": "This verdict is refused.",
    "review_refused_403": (
        "The API refuses the key of the dashboard: it needs the scope <code>review</code>."
    ),
    "review_refused_401": (
        "The API asks for a key: give the dashboard <code>LIBELLE_API_KEY</code>."
    ),
    "review_refused_409": "You gave another verdict on this text already.",
    "review_not_yours": "This text is with somebody else, or was judged already.",
    "review_gone": "The API does not answer: the verdict is not kept. Try again.",
    "review_search_gone": "The API does not answer: no search for now.",
    "review_js_gone": (
        "The service does not answer. Your verdicts wait here and will leave by themselves: keep "
        "the page open."
    ),
    "review_js_session": "Your login is over. Your verdicts wait: log in again.",
    "review_js_loading": "Loading the next text…",
    "review_js_nothing": "Nothing to undo.",
    "review_js_waiting": "waiting",
    "review_js_kept": "kept",
    "review_js_refused": "refused",
    "review_js_unsent": "Verdicts waiting to be sent: ",
    "review_help": "Keys",
    "review_help_number": "choose a candidate",
    "review_help_search": "search a code",
    "review_help_skip": "skip, then 1, 2 or 3 to say why",
    "review_help_undo": "go back to the last verdict",
    "review_help_escape": "leave the search",
    "review_help_help": "show or hide this help",
    "review_or": "or",
    "page_try": "Try",
    "try_title": "Try the coding",
    "try_why": "What you try is a real request to the API: it is counted in the log.",
    "try_text": "A text",
    "try_go": "Code it",
    "try_badge_automatic": "coded automatically",
    "try_badge_review": "to review",
    "try_badge_refused": "refused",
    "try_said_automatic": (
        "The code <b>{code} {title}</b> is given automatically: the confidence, {confidence}, "
        "reaches the threshold."
    ),
    "try_said_below_threshold": (
        "A person has to choose: the confidence, {confidence}, is below the threshold."
    ),
    "try_said_no_threshold": (
        "A person has to choose: no threshold is certified, so nothing is coded automatically."
    ),
    "try_said_suspended": (
        "A person has to choose: automatic coding is suspended, since an audit found the promise "
        "broken."
    ),
    "try_said_refused": "This text cannot be coded: {reason}.",
    "try_promise_guaranteed": (
        "Promise: at most {target} of errors among automatic codes, proved with {sure} confidence."
    ),
    "try_promise_indicative": (
        "About {target} of errors are expected among automatic codes: an indication, not proved."
    ),
    "try_promise_none": "Nothing is promised.",
    "try_promise_suspended": "The promise is suspended.",
    "try_words": "The words that decided",
    "try_words_why": "For <b>{first}</b> rather than <b>{second}</b>.",
    "try_for": "for",
    "try_against": "against",
    "try_neither": "neither",
    "try_model": "Answer of the model {model}.",
    "try_file": "A file",
    "try_choose": "Choose a CSV or XLSX file, or drop it here",
    "try_read": "Read the file",
    "try_busy": "One moment…",
    "try_column": "Column of the texts",
    "try_code": "Code this file",
    "try_again": "Code it again",
    "try_download": "Download the coded file",
    "try_rows_one": "{n} row",
    "try_rows_many": "{n} rows",
    "try_facts_csv": "{n_rows}, encoding {encoding}, delimiter {delimiter}",
    "try_facts_xlsx": "{n_rows} in the first sheet; other sheets are left out.",
    "try_tab": "tab",
    "try_file_why": (
        "20 MB and 100,000 rows at most; for more, <code>libelle predict</code>. The file comes "
        "back in its format, encoding and delimiter, with seven more columns. It is kept for a "
        "quarter of an hour only, for you alone."
    ),
    "try_formulas": (
        "A cell that begins with =, +, -, @, a tab or a return gets an apostrophe before it, so "
        "that no spreadsheet runs it; numbers stay as they are. Of a formula of an XLSX, the value "
        "alone comes back."
    ),
    "try_gone": "The API does not answer. Try again in a moment.",
    "try_refused": "The API refuses this request.",
    "try_too_long": "The API refuses this text: it is too long, or holds forbidden characters.",
    "try_bad_none": "No file came: choose one.",
    "try_bad_form": "What was sent could not be read: try again.",
    "try_bad_large": "This file is too large: 20 MB at most.",
    "try_bad_long": "This file is too long: 100,000 rows at most.",
    "try_bad_wide": "This file has too many columns: 200 at most.",
    "try_bad_empty": "This file has no row below its header.",
    "try_bad_utf16": "This file is in UTF-16: save it as “CSV UTF-8”.",
    "try_bad_binary": "This file is neither CSV nor XLSX.",
    "try_bad_csv": "This CSV cannot be read.",
    "try_bad_xlsx": "This XLSX cannot be read.",
    "try_bad_ragged": "Row {line} has more cells than the header: correct it.",
    "try_bad_gone": "This file is not there any more: give it again.",
    "try_bad_column": "Choose a column.",
}
