"""English, of the pages on the guarantee, drift, codes and models."""

ENGLISH_STUDY = {
    # Guarantee.
    "guarantee_title": "The guarantee: what is promised, and what is kept",
    "guarantee_stands": "Where the promise stands",
    "guarantee_audit_none": "No sample of answers was checked yet: the real error is not known.",
    "guarantee_audit_how": (
        "<code>libelle audit draw</code> draws the texts to have checked, "
        "<code>libelle audit estimate</code> tells what comes out."
    ),
    "guarantee_more": "About {n} more texts checked would settle it.",
    "guarantee_other": (
        "This audit is about another model than the one that answers: it says nothing of it."
    ),
    "guarantee_published_warn": (
        "This verdict is published: the API tells it in <code>/v1/model</code> and the metrics, "
        "and suspends nothing (<code>LIBELLE_ON_BROKEN=warn</code>)."
    ),
    "guarantee_published_suspend": (
        "This verdict is published: a broken promise suspends automatic coding, until another "
        "model is certified (<code>LIBELLE_ON_BROKEN=suspend</code>)."
    ),
    "guarantee_arms": "Real error, from the texts checked",
    "guarantee_review": (
        "For a text sent to review, the first candidate is right in <b>{accuracy}</b> of cases "
        "(between {low} and {high}), from {n} texts checked."
    ),
    "arm": "texts",
    "arm_automatic": "coded automatically",
    "arm_review": "sent to review",
    "judged": "checked",
    "wrong": "wrong",
    "error_rate": "share of errors",
    "interval": "interval",
    "guarantee_points": "Certified thresholds",
    "guarantee_points_why": (
        "Each threshold was chosen and proved on texts that the model had never seen. An "
        "indicative threshold is not proved."
    ),
    "guarantee_points_none": (
        "This model has no threshold: nothing is coded automatically. <code>libelle certify</code> "
        "proves one."
    ),
    "target_error": "target error",
    "status": "status",
    "status_guaranteed": "guaranteed",
    "status_indicative": "indicative",
    "status_none": "no threshold",
    "threshold": "threshold",
    "bound": "guaranteed bound",
    "confidence_level": "with confidence",
    "certified_coverage": "share automatic then",
    "proof": "wrong / coded then",
    "guarantee_here": (
        "In the answers of the last 28 days, the share coded automatically is <b>{here}</b>; it "
        "was {then} when it was certified."
    ),
    "guarantee_curve": "Errors against the share coded automatically",
    "guarantee_curve_why": (
        "Exploration, on texts kept aside while learning: the curve proves nothing. The diamonds "
        "are the certified thresholds."
    ),
    "guarantee_curve_say": (
        "Curve of the errors: {low} when {least} of the texts are coded, {high} when all are."
    ),
    "guarantee_curve_none": "This model did not keep its exploration curve.",
    "slider": "Automatic share wanted",
    "slider_says": (
        'With a threshold of <b data-slot="threshold"></b>, <b data-slot="coverage"></b> of '
        'the texts would be coded automatically, with about <b data-slot="error"></b> of errors '
        "among them. This is exploration: to promise this threshold, it has to be certified."
    ),
    "guarantee_confidence": "Where the answers of the last 28 days fall",
    "guarantee_confidence_say": (
        "Histogram of the confidence; the red line is the threshold in force."
    ),
    "guarantee_confidence_alone": "Histogram of the confidence.",
    # Models out of reach.
    "models_reading": "The model registry has not answered yet. Reload the page.",
    "models_unreachable": "The model registry is out of reach: no answer within the deadline.",
    "models_missing": "The registry does not know the model <code>{uri}</code>.",
    "models_failed": "The models could not be read: the messages of the dashboard say why.",
    "models_differ": (
        "The model that <code>LIBELLE_MODEL</code> names ({named}) is not the one that answers "
        "({seen}): thresholds and curve are not its own."
    ),
    "models_since": "{why} What follows dates from {at} UTC.",
    # Drift.
    "drift_title": "Drift: what changed",
    "drift_none": (
        "The distance to the texts that the model learnt from is not measured yet. "
        "<code>libelle drift</code> measures it."
    ),
    "drift_measuring": "The distance is being measured: come back in a minute.",
    "drift_meanwhile": "Meanwhile, week after week",
    "drift_weeks": "Week after week",
    "drift_meanwhile_why": (
        "These lines show what the log holds. Nothing was tested: a difference may be chance."
    ),
    "drift_found": "What was found",
    "drift_nothing": "No notable difference from the reference.",
    "drift_compared": "Reference: {reference}. Period: {current}. Measured on {at} UTC.",
    "drift_expected": "What may be expected",
    "drift_notes": "What limits this measure",
    "drift_coverage": "Share automatic",
    "drift_refused": "Share refused",
    "drift_unknown": "Share of unknown words",
    "drift_confidence": "Mean confidence",
    "drift_series_say": "Line of {n} weeks: from {before} to {after} in the last one.",
    "drift_lines_say": "Lines of {n} weeks, from the first to the last one.",
    "drift_line_say": " {name}: {before} → {after}.",
    "drift_codes": "Codes whose share changed most",
    "drift_codes_why": (
        "The last 28 days against the 28 before, untested: at least {n} texts on one side."
    ),
    "drift_codes_short": "There are too few answers to compare two periods of 28 days.",
    "before": "before",
    "after": "now",
    "change": "difference",
    "points": "{n} pt",
    # Codes.
    "codes_title": "The codes",
    "codes_why": "The last 28 days, by likeliest code, whether it was given or only proposed.",
    "codes_search": "Search a code or a title",
    "codes_go": "Search",
    "codes_all": "All codes",
    "codes_found_one": "{n} code",
    "codes_found_many": "{n} codes",
    "codes_none": "No code matches.",
    "codes_no_feedback": "Corrections: not measured yet, no feedback was received.",
    "code": "code",
    "title": "title",
    "share": "share",
    "mean_confidence": "mean confidence",
    "corrections": "corrections",
    "corrected": "{n_corrected} of {n_verdicts}",
    "sort_by": "sort by {column}",
    "page_before": "Previous codes",
    "page_after": "Next codes",
    "page_of": "page {n} of {n_pages}",
    # Models.
    "models_title": "The models",
    "models_folder": (
        "The model is served from a folder: it has neither versions nor history. Give "
        "<code>LIBELLE_MODEL=models:/NAME@champion</code> to follow a registry."
    ),
    "models_named": "Model <b>{name}</b>, fingerprint <code>{digest}</code>.",
    "models_versions": "Versions of {name}",
    "models_none": "No version is registered.",
    "version": "version",
    "alias": "alias",
    "created": "made on",
    "accuracy": "right (test)",
    "promises": "promises",
    "answers": "answers (28 d)",
    "models_history": "Who promoted what, and why",
    "models_history_none": "No move was noted.",
    "at": "on",
    "move": "move",
    "what": "what",
    "by": "by",
    "why": "why",
    "why_first": "first version of this name",
    "why_register": "newest version",
    "nobody": "unknown",
    "nothing": "none",
    "move_first": "first",
    "move_register": "registration",
    "move_promote": "promotion",
    "move_override": "promotion against the gate",
    "move_rollback": "rollback",
    "move_half-done": "unfinished",
    "move_cancelled": "cancelled",
    "models_complaints": "The history does not agree with the registry:",
    "promise_guaranteed": "at most {target}, proved; {coverage} automatic",
    "promise_indicative": "about {target}, not proved; {coverage} automatic",
    "promise_none": "{target} could not be proved",
}
