"""English: what the pages say to English readers."""

ENGLISH = {
    # Of every page.
    "site": "libelle",
    "skip": "Skip to content",
    "nav": "Pages",
    "first": "In short",
    "today": "Today",
    "guarantee": "Guarantee",
    "drift": "Drift",
    "codes": "Codes",
    "models": "Models",
    "made_up": (
        "<b>Demonstration.</b> A program made these requests up: no figure here says anything of a "
        "real administration."
    ),
    "other_language": "Français",
    "logged_in": "Logged in: {name}",
    "log_out": "Log out",
    "table": "See the numbers",
    "not_measured": "Not measured yet",
    "measuring": "Being measured",
    "no_data": "No data yet",
    "data_of": "Log read on {at} UTC; last request on {last} UTC.",
    "data_of_none": "Log read on {at} UTC; no request.",
    "off": (
        "<b>No data yet.</b> No log of the answers is kept: give it a place with "
        "<code>LIBELLE_LOG_URI</code>."
    ),
    "empty": (
        "<b>No data yet.</b> The log holds no answer. Figures will come with the first request."
    ),
    "counting": (
        "First reading of the log: {n_done} days read of {n_days}. Reload the page to see more."
    ),
    "reading": "The log is being read. Reload the page in a moment.",
    "unreachable_since": "{why} What follows dates from {at} UTC.",
    "unreachable_never": "{why} Nothing could be read.",
    "why_unreachable": "The log is out of reach: the server cannot be reached.",
    "why_no_answer": "The log is out of reach: no answer within the deadline.",
    "why_refused": "The log is out of reach: access is refused.",
    "why_not_found": "The log is out of reach: nothing stands at this address.",
    "why_slow_down": "The log is out of reach: the server asks to wait.",
    "why_no_space": "The log cannot be counted: no space is left.",
    "why_other": "The log could not be read: the messages of the dashboard say why.",
    "problems_one": "{n} file of the log was left out: it is damaged or foreign.",
    "problems_many": "{n} files of the log were left out: they are damaged or foreign.",
    "texts_one": "{n} text",
    "texts_many": "{n} texts",
    "automatic": "automatic",
    "review": "to review",
    "refused": "refused",
    "failed": "failed",
    "day": "day",
    "hour": "hour (UTC)",
    "week": "week of",
    "texts": "texts",
    "share_automatic": "share automatic",
    "total": "total",
    # Errors and login.
    "error_401": "Login needed",
    "error_401_why": "Log in, then try again.",
    "error_403": "Access refused",
    "error_403_why": (
        "Your key may not see this page or do this, or the request comes from another site."
    ),
    "error_404": "Page not found",
    "error_404_why": "Nothing is at this address.",
    "error_405": "Impossible request",
    "error_405_why": "This address does not take such a request.",
    "error_429": "Too many requests",
    "error_429_why": "Wait a minute, then try again.",
    "error_500": "The page could not be made",
    "error_500_why": "Try again; if it goes on, tell whoever runs libelle.",
    "login": "Login",
    "login_why": "Enter the key that you were given. It must have the right to read.",
    "login_key": "Key",
    "login_go": "Log in",
    "login_wrong": "This key is not known, or may not read.",
    "to_first": "Back to the first page",
    # First page.
    "first_title": "Automatic coding in four sentences",
    "first_period": "From {first} to {last}",
    "ask_automatic": "How much is automatic?",
    "ask_wrong": "How often is it wrong?",
    "ask_changed": "What changed?",
    "ask_todo": "What is there to do?",
    "first_automatic": (
        "<b>{share}</b> of the texts are coded automatically, which saves about <b>{hours}</b> "
        "of work."
    ),
    "first_automatic_why": (
        "{n_automatic} texts of {n_texts} in 28 days, with {seconds} s for a person to code one."
    ),
    "first_silent": "No text was received in 28 days.",
    "hours_one": "{n} hour",
    "hours_many": "{n} hours",
    "first_wrong": (
        "<b>{error}</b> of the automatic codes are wrong (between {low} and {high}); at most "
        "{target} was promised."
    ),
    "first_wrong_judged": "{n_judged} texts checked by a person, until {until}.",
    "first_wrong_unchecked": (
        "At most <b>{target}</b> of errors among automatic codes was promised; it is <b>not "
        "checked yet</b> on real answers."
    ),
    "first_wrong_none": "Nothing is promised, and nothing is coded automatically.",
    "first_wrong_indicative": (
        "About <b>{target}</b> of errors was expected among automatic codes: an indication, "
        "<b>neither proved nor checked</b>."
    ),
    "first_wrong_suspended": "Automatic coding is <b>suspended</b>: everything goes to review.",
    "first_wrong_unchecked_why": "A sample of answers, checked by a person, will tell.",
    "first_wrong_proved_why": "The promise was proved on texts kept aside.",
    "status_holds": "promise holds",
    "status_in_doubt": "promise in doubt",
    "status_broken": "promise broken",
    "status_unchecked": "not checked yet",
    "status_quiet": "not applicable",
    "severity_none": "nothing notable",
    "severity_low": "slight",
    "severity_medium": "worth a look",
    "severity_high": "strong",
    "first_changed_unmeasured": (
        "Drift is <b>not measured yet</b>. The automatic share is {after} over 7 days, against "
        "{before} over the 28 days before."
    ),
    "first_changed_short": (
        "Drift is <b>not measured yet</b>, and there are too few answers to compare two periods."
    ),
    "first_changed_version": "Version {version} has answered since {day}.",
    "first_changed_nothing": "Nothing notable changed.",
    "first_changed_compared": "Compared on {at} UTC.",
    "todo_nothing": "Nothing to do: all is well.",
    "todo_unreachable": "Bring the log back within reach.",
    "todo_broken": "Suspend automatic coding, then certify again: the promise is broken.",
    "todo_doubt": "Have {n} more texts checked to settle it.",
    "todo_doubt_any": "Have more texts checked to settle it.",
    "todo_audit": "Have a sample of automatic answers checked (<code>libelle audit draw</code>).",
    "todo_drift": "Look at what changed: it is strong enough to weigh on the codes.",
    "todo_certify": "Certify a threshold: without one, nothing is coded automatically.",
    "todo_problems": "Have the files of the log that were left out looked at.",
    "todo_silent": "Check that the service receives requests: the last one dates from {at}.",
    "see_today": "See the activity",
    "see_guarantee": "See the guarantee",
    "see_drift": "See the drift",
    "first_weeks": "Automatic share, week after week",
    "first_weeks_say": (
        "Line of the automatic share of {n} weeks: from {before} to {after} in the last one."
    ),
    # Today.
    "today_title": "Activity of {day}",
    "today_none": "No request on that day.",
    "day_before": "Day before",
    "day_after": "Day after",
    "tile_texts": "texts received",
    "tile_distinct": "of them different",
    "tile_automatic": "coded automatically",
    "tile_review": "to review",
    "tile_refused": "refused",
    "tile_failed": "failed",
    "today_hours": "Hour by hour",
    "today_hours_say": "Bars of the number of texts by hour; most at {hour}:00 UTC, {n}.",
    "today_days": "The last 28 days",
    "today_days_say": "Bars of the number of texts by day over 28 days, {n} in all.",
    "today_confidence": "Confidence",
    "today_confidence_say": "Histogram of the confidence: half of the texts are above {median}.",
    "today_confidence_none": "No confidence on that day.",
    "confidence": "confidence",
    "today_refusals": "Why texts are refused",
    "today_refusals_none": "No text refused on that day.",
    "reason": "reason",
    "reason_empty": "empty",
    "reason_code_typed": "a code typed instead of words",
    "reason_only_digits": "only digits",
    "reason_repeated_characters": "repeated characters",
    "reason_too_short": "too short",
    "reason_no_known_word": "no known word",
    "reason_outside_vocabulary": "far outside the learnt vocabulary",
    "today_latency": "Time to answer",
    "today_latency_say": (
        "Half of the texts are answered in less than <b>{median}</b>, 95% in less than {p95}, "
        "99% in less than {p99}."
    ),
    "today_latency_none": "No time to answer on that day.",
    "today_words": "Unknown words",
    "today_words_say": "{share} of the words were not in the vocabulary of the model.",
    "alerts": "Alerts",
    "alerts_calm": "None of the {n} alerts is raised ({replicas}, on {at} UTC).",
    "alerts_raised_one": "<b>{n} alert is raised</b> ({replicas}, on {at} UTC).",
    "alerts_raised_many": "<b>{n} alerts are raised</b> ({replicas}, on {at} UTC).",
    "alerts_others": "What is watched besides",
    "alerts_off": (
        "Alerts are not watched here: give the address of the metrics of the API with "
        "<code>LIBELLE_METRICS_URL</code>."
    ),
    "alert_calm": "calm",
    "alert_pending": "to be confirmed, since {since} UTC",
    "alert_raised": "since {since} UTC",
    "replicas_one": "{n} replica seen",
    "replicas_many": "{n} replicas seen",
    "todo_alert": "{meaning} See <code>{name}</code> in the run book.",
    "today_model": "The model that answers",
    "today_version": "version {version}",
    "today_folder": "not registered",
    "today_promise_guaranteed": "at most {target} of errors promised, proved",
    "today_promise_indicative": "about {target} of errors expected, not proved",
    "today_promise_suspended": "automatic coding suspended",
    "today_promise_none": "no promise",
    "model": "model",
    "promise": "promise",
    "fingerprint": "fingerprint",
    "ms": "{n} ms",
    "seconds": "{n} s",
}
