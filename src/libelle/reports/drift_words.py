"""Words of drift: what the report on drift says, in French and in English."""

from libelle.reports.formats import Language

FRENCH = {
    "title": "Dérive du modèle",
    "period": "libellés du {since} au {until}",
    "against_model": "comparés à la référence du modèle",
    "against_log": "comparés à ceux du {since} au {until}",
    "digest": "empreinte",
    "written": "écrit le",
    "severity_none": "Pas de dérive.",
    "severity_low": "Dérive faible.",
    "severity_medium": "Dérive moyenne.",
    "severity_high": "Dérive forte.",
    "todo": "Que faire :",
    "todo_none": "rien.",
    "todo_low": "rien d’urgent ; regardez de nouveau à la prochaine période.",
    "todo_medium": (
        "auditez un échantillon (libelle audit draw) : lui seul dit si la promesse tient."
    ),
    "todo_high": (
        "auditez un échantillon sans attendre (libelle audit draw), puis réentraînez le modèle sur "
        "des libellés récents."
    ),
    "note_too_few_texts": (
        "Il y a moins de cent libellés différents de part ou d’autre : rien n’est comparé."
    ),
    "note_repeated_texts": (
        "Plus d’un libellé sur vingt revient à l’identique. Chacun compte une fois ; les périodes "
        "longues ont alors plus de libellés rares que les courtes."
    ),
    "note_decisions_not_compared": (
        "La part automatique n’est pas comparée : les décisions n’ont pas toutes été prises sous "
        "un même seuil."
    ),
    "note_domain_not_compared": (
        "Il y a trop peu de libellés pour apprendre à reconnaître l’une ou l’autre période."
    ),
    "tile_texts": "libellés différents",
    "tile_automatic": "codés automatiquement",
    "tile_refused": "refusés",
    "tile_unknown": "mots inconnus du modèle",
    "tile_expected": "exactitude attendue",
    "was": "contre {before}",
    "compared": "Ce qui a été comparé",
    "compared_note": (
        "Une différence compte si le hasard ne l’explique pas (une fausse alerte au plus sur vingt "
        "études, toutes comparaisons ensemble), et sa gravité ne dépend que de sa taille."
    ),
    "what": "indicateur",
    "before": "référence",
    "after": "actuel",
    "severity": "gravité",
    "size": "taille",
    "from_sizes": "faible, moyenne, forte à partir de",
    "p_adjusted": "p corrigé",
    "named_none": "aucune",
    "named_low": "faible",
    "named_medium": "moyenne",
    "named_high": "forte",
    "of_confidence": "indice de confiance moyen",
    "of_length": "mots par libellé",
    "of_unknown_words": "part des mots inconnus",
    "of_codes": "répartition des codes",
    "of_refusals": "part des refus",
    "of_decisions": "part automatique",
    "of_domain": "reconnaissance de la période",
    "kind_kolmogorov_smirnov": "écart entre répartitions",
    "kind_difference_of_shares": "différence de parts",
    "kind_jensen_shannon_distance": "distance de Jensen et Shannon",
    "kind_total_variation": "part déplacée",
    "kind_auc": "aire sous la courbe",
    "codes": "Codes",
    "codes_note": (
        "Codes, et postes au-dessus, dont la part a changé ; moins d’un sur vingt est nommé à "
        "tort. Entre parenthèses, le nombre de libellés différents."
    ),
    "no_codes": "Aucun code n’a changé de part au-delà du hasard.",
    "code": "code",
    "since": "depuis la semaine du",
    "words": "Mots",
    "word": "mot",
    "segments": "Segment par segment",
    "segments_note_model": (
        "Toutes les réponses de la période, à côté de celles des douze semaines d’avant. Rien "
        "n’est testé : un écart peut venir du hasard."
    ),
    "segments_note_log": (
        "Toutes les réponses de la période, à côté de celles de la période antérieure. Rien n’est "
        "testé : un écart peut venir du hasard."
    ),
    "by_top_code": "Code de premier niveau",
    "by_client": "Application appelante",
    "application": "application",
    "nobody": "sans clé",
    "share_of_answers": "part des réponses",
    "weeks": "Semaine après semaine",
    "weeks_note": (
        "Toutes les réponses, libellés répétés compris ; la première et la dernière semaine "
        "peuvent être incomplètes."
    ),
    "week": "semaine du",
    "answers": "réponses",
    "automatic": "automatiques",
    "review": "à vérifier",
    "refused": "refusés",
    "confidence": "confiance moyenne",
    "confidences": "Confiance",
    "lengths": "Longueur",
    "expected": "Exactitude attendue",
    "expected_note": (
        "Estimée sans connaître la vérité, d’après les indices de confiance ; {reference} quand le "
        "modèle a été fait. Seul un audit la mesure."
    ),
    "table_sizes": "Tailles, seuils et hasard, en chiffres",
    "table_codes": "Code par code, en chiffres",
    "table_words": "Mot par mot, en chiffres",
    "table_weeks": "Semaine par semaine, en chiffres",
    "footer": (
        "Chaque libellé compte une fois. Une dérive dit que les libellés ont changé, pas que les "
        "codes sont faux : cela, un audit le dit."
    ),
}

ENGLISH = {
    "title": "Drift of the model",
    "period": "texts from {since} to {until}",
    "against_model": "compared with the reference of the model",
    "against_log": "compared with those from {since} to {until}",
    "digest": "digest",
    "written": "written",
    "severity_none": "No drift.",
    "severity_low": "Low drift.",
    "severity_medium": "Medium drift.",
    "severity_high": "High drift.",
    "todo": "What to do:",
    "todo_none": "nothing.",
    "todo_low": "nothing urgent; look again after the next period.",
    "todo_medium": "audit a sample (libelle audit draw): it alone says whether the promise holds.",
    "todo_high": (
        "audit a sample without delay (libelle audit draw), then train the model again on recent "
        "texts."
    ),
    "note_too_few_texts": (
        "There are fewer than a hundred distinct texts on one side: nothing is compared."
    ),
    "note_repeated_texts": (
        "More than one text in twenty comes back, letter for letter. Each counts once; long "
        "periods then have more rare texts than short ones."
    ),
    "note_decisions_not_compared": (
        "The automatic share is not compared: decisions were not all made under one threshold."
    ),
    "note_domain_not_compared": "There are too few texts to learn to tell the periods apart.",
    "tile_texts": "distinct texts",
    "tile_automatic": "coded automatically",
    "tile_refused": "refused",
    "tile_unknown": "words unknown to the model",
    "tile_expected": "expected accuracy",
    "was": "against {before}",
    "compared": "What was compared",
    "compared_note": (
        "A difference counts if chance does not explain it (one false alarm at most in twenty "
        "studies, all comparisons together); its severity depends on its size alone."
    ),
    "what": "measure",
    "before": "reference",
    "after": "current",
    "severity": "severity",
    "size": "size",
    "from_sizes": "low, medium, high from",
    "p_adjusted": "adjusted p",
    "named_none": "none",
    "named_low": "low",
    "named_medium": "medium",
    "named_high": "high",
    "of_confidence": "mean confidence",
    "of_length": "words of a text",
    "of_unknown_words": "share of unknown words",
    "of_codes": "mix of codes",
    "of_refusals": "share refused",
    "of_decisions": "automatic share",
    "of_domain": "telling the periods apart",
    "kind_kolmogorov_smirnov": "distance between distributions",
    "kind_difference_of_shares": "difference of shares",
    "kind_jensen_shannon_distance": "Jensen-Shannon distance",
    "kind_total_variation": "share moved",
    "kind_auc": "area under the curve",
    "codes": "Codes",
    "codes_note": (
        "Codes, and codes above, whose share changed; fewer than one in twenty is named wrongly. "
        "In brackets, the number of distinct texts."
    ),
    "no_codes": "The share of no code changed beyond chance.",
    "code": "code",
    "since": "since the week of",
    "words": "Words",
    "word": "word",
    "segments": "Segment by segment",
    "segments_note_model": (
        "All answers of the period, beside those of the twelve weeks before. Nothing is tested: a "
        "difference may be chance."
    ),
    "segments_note_log": (
        "All answers of the period, beside those of the earlier one. Nothing is tested: a "
        "difference may be chance."
    ),
    "by_top_code": "Top-level code",
    "by_client": "Calling application",
    "application": "application",
    "nobody": "without a key",
    "share_of_answers": "share of the answers",
    "weeks": "Week after week",
    "weeks_note": (
        "All answers, repeated texts too; the first and the last week may not be whole."
    ),
    "week": "week of",
    "answers": "answers",
    "automatic": "automatic",
    "review": "to review",
    "refused": "refused",
    "confidence": "mean confidence",
    "confidences": "Confidence",
    "lengths": "Length",
    "expected": "Expected accuracy",
    "expected_note": (
        "Estimated from confidences, truth unknown; {reference} when the model was made. Only an "
        "audit measures it."
    ),
    "table_sizes": "Sizes, thresholds and chance, in figures",
    "table_codes": "Code by code, in figures",
    "table_words": "Word by word, in figures",
    "table_weeks": "Week by week, in figures",
    "footer": (
        "Each text counts once. A drift says that texts changed, not that codes are wrong: an "
        "audit says that."
    ),
}

WORDS: dict[Language, dict[str, str]] = {"fr": FRENCH, "en": ENGLISH}
