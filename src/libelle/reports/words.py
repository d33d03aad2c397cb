"""Words: what the evaluation report says, in French and in English."""

from libelle.reports.formats import Language

FRENCH = {
    "title": "Évaluation du modèle",
    "on_data": "sur {n} libellés codés : {name}",
    "digest": "empreinte",
    "written": "écrit le",
    "head_automatic": (
        "Sur {n_texts} libellés, {n_automatic} ({coverage}) sont codés automatiquement ; "
        "{n_errors} d’entre eux ont un code faux, soit {error}."
    ),
    "head_no_threshold": (
        "Aucun des {n_texts} libellés n’est codé automatiquement : le modèle n’a pas de seuil. "
        "Tous vont en vérification. Le code le plus probable est le bon pour {accuracy} d’entre "
        "eux, et la liste courte de {n_candidates} propositions le contient pour {listed}."
    ),
    "head_none": (
        "Aucun des {n_texts} libellés n’atteint le seuil : tous vont en vérification. Le code le "
        "plus probable est le bon pour {accuracy} d’entre eux, et la liste courte de "
        "{n_candidates} propositions le contient pour {listed}."
    ),
    "head_promise": (
        "Promesse : au plus {target} d’erreurs parmi les libellés codés automatiquement, avec une "
        "confiance de {confidence}."
    ),
    "head_indicative": (
        "Le seuil est indicatif : il n’a pas été prouvé sur des libellés tenus à l’écart, et rien "
        "n’est garanti."
    ),
    "head_suspended": "Le codage automatique est suspendu : aucune promesse n’est en vigueur.",
    "outcome_confirmed": (
        "Elle est confirmée ici : sur {n} libellés automatiques différents, {n_errors} sont faux, "
        "et la vraie part d’erreurs se trouve entre {low} et {high} (intervalle exact à 95 %)."
    ),
    "outcome_held": (
        "Elle est tenue ici : sur {n} libellés automatiques différents, {n_errors} sont faux. "
        "L’intervalle exact à 95 % va de {low} à {high} : ces libellés ne suffisent pas à prouver "
        "la promesse une seconde fois."
    ),
    "outcome_unclear": (
        "La part observée la dépasse, mais le hasard peut l’expliquer : sur {n} libellés "
        "automatiques différents, {n_errors} sont faux, et l’intervalle exact à 95 % va de {low} à "
        "{high}. À surveiller sur davantage de libellés."
    ),
    "outcome_broken": (
        "Elle n’est pas tenue sur ces libellés : {n_errors} faux sur {n} libellés automatiques "
        "différents, et l’intervalle exact à 95 %, de {low} à {high}, est tout entier au-dessus. "
        "Ces libellés ne ressemblent sans doute pas à ceux de la certification : suspendez le "
        "codage automatique, puis certifiez de nouveau sur des libellés de même origine."
    ),
    "outcome_seen": (
        "Tous les libellés codés automatiquement ont servi à faire ou à évaluer le modèle : ils ne "
        "mettent pas la promesse à l’épreuve."
    ),
    "outcome_untested": "Rien n’est codé automatiquement : la promesse n’est pas mise à l’épreuve.",
    "badge_confirmed": "✓ promesse confirmée",
    "badge_held": "✓ promesse tenue",
    "badge_unclear": "? promesse incertaine",
    "badge_broken": "✗ promesse non tenue",
    "badge_untested": "– rien n’est promis",
    "tile_automatic": "codés automatiquement",
    "tile_errors": "d’erreurs parmi eux",
    "tile_review": "à vérifier",
    "tile_refused": "refusés",
    "tile_accuracy": "code le plus probable juste",
    "tile_listed": "bon code dans les {n} premiers",
    "thresholds": "Seuils",
    "thresholds_note": (
        "Une ligne par erreur visée déclarée. Un seuil garanti a été prouvé sur des libellés de "
        "certification ; un seuil indicatif ne l’a pas été."
    ),
    "no_thresholds": "Le modèle n’a aucun seuil : rien n’est codé automatiquement.",
    "target": "erreur visée",
    "status": "statut",
    "status_guaranteed": "garanti",
    "status_indicative": "indicatif",
    "status_none": "aucun seuil",
    "active": "en vigueur",
    "confidence_level": "confiance",
    "threshold": "seuil",
    "proof": "certification : erreurs / automatiques",
    "certified_coverage": "part automatique alors",
    "here_coverage": "part automatique ici",
    "here_error": "erreurs ici",
    "reachable": "erreur atteignable (indicative) : {error}",
    "needed": "libellés de certification qu’il faudrait : {n}",
    "decisions": "Réponses et refus",
    "decision": "réponse",
    "reason": "motif",
    "texts": "libellés",
    "share": "part",
    "likeliest_right": "code le plus probable juste",
    "decision_automatic": "automatique",
    "decision_review": "à vérifier",
    "decision_refused": "refusé",
    "reason_above_threshold": "au-dessus du seuil",
    "reason_below_threshold": "sous le seuil",
    "reason_no_threshold": "pas de seuil",
    "reason_suspended": "automatisation suspendue",
    "reason_empty": "vide",
    "reason_code_typed": "un code saisi à la place du libellé",
    "reason_only_digits": "seulement des chiffres",
    "reason_repeated_characters": "caractères répétés",
    "reason_too_short": "trop court",
    "reason_no_known_word": "aucun mot connu",
    "reason_outside_vocabulary": "loin du vocabulaire appris",
    "listed_note": (
        "La liste courte de {n} propositions contient le bon code pour {all} de tous les "
        "libellés, et pour {review} de ceux à vérifier."
    ),
    "sets_note": (
        "L’ensemble de codes proposé contient le bon code pour {all} des libellés ({review} de "
        "ceux à vérifier) ; il compte {size} codes en moyenne."
    ),
    "curve": "Erreurs et part automatique",
    "curve_note": (
        "La courbe montre ce que chaque seuil aurait donné sur ces libellés : c’est une "
        "exploration. Les losanges sont les erreurs visées, à la part automatique de leur seuil : "
        "la courbe doit passer au-dessous."
    ),
    "calibration": "Calibration",
    "calibration_note": (
        "Un indice de confiance de 0,8 devrait être juste huit fois sur dix : les points devraient "
        "suivre la diagonale. ECE en {n} classes d’effectifs égaux ; ECE par code en {n} classes "
        "d’amplitude égale ; score de Brier entre 0 et 2."
    ),
    "ece": "ECE",
    "classwise_ece": "ECE par code",
    "brier": "Brier",
    "log_loss": "log-loss",
    "costs": "Coûts",
    "costs_note": (
        "Exploration : avec {review} par codage manuel et {error} par erreur, le moindre coût sur "
        "ces libellés. Un seuil choisi ici ne prouve rien ici : déclarez l’erreur visée, puis "
        "certifiez-la sur d’autres libellés. Le codage manuel est supposé juste."
    ),
    "costs_recommended": (
        "Erreur visée suggérée : {error}, pour {coverage} de libellés automatiques."
    ),
    "costs_by_hand": "À ces coûts, tout coder à la main revient moins cher.",
    "cost_each": "coût moyen d’un libellé",
    "all_by_hand": "tout à la main",
    "cheapest": "moindre coût",
    "levels": "Par niveau de la nomenclature",
    "levels_note": (
        "Le code répondu à un niveau est celui dont la somme des probabilités est la plus grande."
    ),
    "level": "niveau",
    "codes_count": "codes",
    "accuracy": "justes",
    "macro_f1": "macro-F1",
    "roll_up_note": (
        "Remontée : {n} libellés à vérifier reçoivent un code sûr au niveau {level}, dont "
        "{n_errors} faux."
    ),
    "segments": "Par segment : {column}",
    "segments_by_domain": "Par poste du premier niveau",
    "segments_note": (
        "La promesse vaut pour l’ensemble, pas pour chaque segment ; un intervalle entièrement "
        "au-dessus de l’erreur visée (✗) appelle une certification propre à ce segment."
    ),
    "segment": "segment",
    "empty_value": "(vide)",
    "automatic": "automatiques",
    "errors": "erreurs",
    "interval": "intervalle à 95 %",
    "codes": "Par code",
    "codes_note": "Les codes les plus fréquents d’abord.",
    "codes_more": "{n} autres codes",
    "codes_cut": "Les {n} derniers codes, les plus rares, figurent dans le JSON seulement.",
    "code": "code",
    "precision": "précision",
    "recall": "rappel",
    "confusions": "Pires confusions",
    "true_code": "vrai code",
    "answered": "code répondu",
    "of_which_automatic": "dont automatiques",
    "no_confusions": "Aucune confusion sur ces libellés.",
    "examples": "exemples",
    "unknown": "Codes inconnus du modèle",
    "unknown_none": "Tous les codes de ces libellés sont connus du modèle.",
    "unknown_note": (
        "{n} libellés ({share}) ont un code que le modèle n’a jamais vu : ils comptent comme des "
        "erreurs partout ci-dessus, sauf dans la log-loss."
    ),
    "not_listed": "absent de la nomenclature",
    "hygiene": "Indépendance des libellés",
    "same_fit": (
        "Attention : ces libellés sont exactement ceux dont le modèle a appris. Aucun chiffre de "
        "ce rapport ne dit ce qu’il vaudra sur d’autres."
    ),
    "same_certify": (
        "Attention : ces libellés sont exactement ceux qui ont fixé les seuils. Les erreurs parmi "
        "les libellés automatiques ne mettent pas la promesse à l’épreuve."
    ),
    "same_test": "Ces libellés sont exactement la partie test de l’entraînement.",
    "same_none": (
        "Ces libellés ne sont, pris ensemble, aucune des parties de l’entraînement. Le modèle ne "
        "garde aucun libellé : il ne permet pas de dire si certains d’entre eux ont servi à "
        "l’apprendre."
    ),
    "seen": (
        "Sur {n_distinct} libellés différents, {n_seen} ont servi à faire ou à évaluer le modèle, "
        "qui y réussit peut-être mieux qu’ailleurs ; ce qui est dit de la promesse les laisse de "
        "côté."
    ),
    "repeated": (
        "{n_distinct} libellés différents sur {n_texts} ; {n_repeated} répétitions, qui ne "
        "comptent pas dans les intervalles."
    ),
    "contradictory": (
        "{n_texts} libellés disent la même chose qu’un autre et ont un autre code "
        "({n_keys} libellés différents) : aucun modèle ne peut les avoir tous justes."
    ),
    "missing_codes": "{n} lignes sans code ont été laissées de côté.",
    "comparison": "Comparaison avec « {name} »",
    "comparison_note": (
        "Sur {n} libellés différents, texte par texte. Différence de justesse : {difference} "
        "(intervalle à 95 % de {low} à {high}) ; test exact de McNemar : p = {p}."
    ),
    "comparison_better": "Ce modèle est plus souvent juste que « {name} ».",
    "comparison_worse": "Ce modèle est moins souvent juste que « {name} ».",
    "comparison_equal": "Rien ne permet de dire que l’un est plus souvent juste que l’autre.",
    "this_model": "ce modèle",
    "of_model": "{name} : {outcome}",
    "right": "juste",
    "wrong": "faux",
    "coverage": "part automatique",
    "figure_codes": "F1 et nombre de libellés de chaque code",
    "footer": (
        "Chaque code automatique est celui que le modèle donnerait en production, avec le seuil en "
        "vigueur. Les intervalles sont ceux de Clopper et Pearson, sur un libellé tiré au hasard "
        "parmi ceux qui disent la même chose."
    ),
}

ENGLISH = {
    "title": "Evaluation of the model",
    "on_data": "on {n} coded texts: {name}",
    "digest": "digest",
    "written": "written",
    "head_automatic": (
        "Of {n_texts} texts, {n_automatic} ({coverage}) are coded automatically; {n_errors} of "
        "them have a wrong code, that is {error}."
    ),
    "head_no_threshold": (
        "None of the {n_texts} texts is coded automatically: the model has no threshold. All of "
        "them go to review. The likeliest code is right for {accuracy} of them, and the short list "
        "of {n_candidates} candidates holds the right one for {listed}."
    ),
    "head_none": (
        "None of the {n_texts} texts reaches the threshold: all of them go to review. The "
        "likeliest code is right for {accuracy} of them, and the short list of {n_candidates} "
        "candidates holds the right one for {listed}."
    ),
    "head_promise": (
        "Promise: at most {target} of the texts coded automatically are wrong, with confidence "
        "{confidence}."
    ),
    "head_indicative": (
        "The threshold is indicative: it was not proved on texts kept aside, and nothing is "
        "guaranteed."
    ),
    "head_suspended": "Automatic coding is suspended: no promise is in force.",
    "outcome_confirmed": (
        "It is confirmed here: of {n} different automatic texts, {n_errors} are wrong, and the "
        "true share of errors lies between {low} and {high} (exact 95% interval)."
    ),
    "outcome_held": (
        "It holds here: of {n} different automatic texts, {n_errors} are wrong. The exact 95% "
        "interval goes from {low} to {high}: these texts are too few to prove the promise a second "
        "time."
    ),
    "outcome_unclear": (
        "The share seen is above it, but chance may explain it: of {n} different automatic texts, "
        "{n_errors} are wrong, and the exact 95% interval goes from {low} to {high}. Watch it on "
        "more texts."
    ),
    "outcome_broken": (
        "It does not hold on these texts: {n_errors} wrong of {n} different automatic texts, and "
        "the exact 95% interval, from {low} to {high}, lies wholly above. These texts are "
        "probably unlike those of the certification: suspend automatic coding, then certify again "
        "on texts of the same origin."
    ),
    "outcome_seen": (
        "All texts coded automatically were used to make or to test the model: they do not put the "
        "promise to the test."
    ),
    "outcome_untested": "Nothing is coded automatically: the promise is not put to the test.",
    "badge_confirmed": "✓ promise confirmed",
    "badge_held": "✓ promise held",
    "badge_unclear": "? promise unclear",
    "badge_broken": "✗ promise broken",
    "badge_untested": "– nothing promised",
    "tile_automatic": "coded automatically",
    "tile_errors": "errors among them",
    "tile_review": "to review",
    "tile_refused": "refused",
    "tile_accuracy": "likeliest code right",
    "tile_listed": "right code among the first {n}",
    "thresholds": "Thresholds",
    "thresholds_note": (
        "One row for each declared target error. A guaranteed threshold was proved on certifying "
        "texts; an indicative one was not."
    ),
    "no_thresholds": "The model has no threshold: nothing is coded automatically.",
    "target": "target error",
    "status": "status",
    "status_guaranteed": "guaranteed",
    "status_indicative": "indicative",
    "status_none": "no threshold",
    "active": "in force",
    "confidence_level": "confidence",
    "threshold": "threshold",
    "proof": "certification: errors / automatic",
    "certified_coverage": "coverage then",
    "here_coverage": "coverage here",
    "here_error": "errors here",
    "reachable": "reachable error (indicative): {error}",
    "needed": "certifying texts that would be needed: {n}",
    "decisions": "Decisions and refusals",
    "decision": "decision",
    "reason": "reason",
    "texts": "texts",
    "share": "share",
    "likeliest_right": "likeliest code right",
    "decision_automatic": "automatic",
    "decision_review": "review",
    "decision_refused": "refused",
    "reason_above_threshold": "above the threshold",
    "reason_below_threshold": "below the threshold",
    "reason_no_threshold": "no threshold",
    "reason_suspended": "automation suspended",
    "reason_empty": "empty",
    "reason_code_typed": "a code typed instead of words",
    "reason_only_digits": "only digits",
    "reason_repeated_characters": "repeated characters",
    "reason_too_short": "too short",
    "reason_no_known_word": "no known word",
    "reason_outside_vocabulary": "far outside the learnt vocabulary",
    "listed_note": (
        "The short list of {n} candidates holds the right code for {all} of all texts, and for "
        "{review} of those to review."
    ),
    "sets_note": (
        "The prediction set holds the right code for {all} of the texts ({review} of those to "
        "review); it has {size} codes on average."
    ),
    "curve": "Errors and coverage",
    "curve_note": (
        "The curve shows what each threshold would have given on these texts: it is exploration. "
        "The diamonds are the target errors, at the coverage of their threshold: the curve should "
        "pass below."
    ),
    "calibration": "Calibration",
    "calibration_note": (
        "A confidence of 0.8 should be right eight times out of ten: the points should follow the "
        "diagonal. ECE in {n} bins of equal mass; classwise ECE in {n} bins of equal width; Brier "
        "score between 0 and 2."
    ),
    "ece": "ECE",
    "classwise_ece": "classwise ECE",
    "brier": "Brier",
    "log_loss": "log-loss",
    "costs": "Costs",
    "costs_note": (
        "Exploration: with {review} for a manual coding and {error} for an error, the least cost "
        "on these texts. A threshold chosen here proves nothing here: declare the target error, "
        "then certify it on other texts. A manual coding is taken to be right."
    ),
    "costs_recommended": "Suggested target error: {error}, for {coverage} of automatic texts.",
    "costs_by_hand": "At these costs, coding everything by hand is cheaper.",
    "cost_each": "mean cost of a text",
    "all_by_hand": "all by hand",
    "cheapest": "least cost",
    "levels": "By level of the nomenclature",
    "levels_note": "The code answered at a level is the one whose summed probability is largest.",
    "level": "level",
    "codes_count": "codes",
    "accuracy": "right",
    "macro_f1": "macro-F1",
    "roll_up_note": (
        "Roll-up: {n} texts to review get a sure code at level {level}, {n_errors} of them wrong."
    ),
    "segments": "By segment: {column}",
    "segments_by_domain": "By code at the top of the nomenclature",
    "segments_note": (
        "The promise holds for the whole, not for each segment; an interval wholly above the "
        "target error (✗) calls for a certification of that segment."
    ),
    "segment": "segment",
    "empty_value": "(empty)",
    "automatic": "automatic",
    "errors": "errors",
    "interval": "95% interval",
    "codes": "By code",
    "codes_note": "The most frequent codes first.",
    "codes_more": "{n} more codes",
    "codes_cut": "The last {n} codes, the rarest, stand in the JSON only.",
    "code": "code",
    "precision": "precision",
    "recall": "recall",
    "confusions": "Worst confusions",
    "true_code": "true code",
    "answered": "code answered",
    "of_which_automatic": "of which automatic",
    "no_confusions": "No confusion on these texts.",
    "examples": "examples",
    "unknown": "Codes that the model does not know",
    "unknown_none": "The model knows all the codes of these texts.",
    "unknown_note": (
        "{n} texts ({share}) have a code that the model never saw: they count as errors everywhere "
        "above, except in the log-loss."
    ),
    "not_listed": "not in the nomenclature",
    "hygiene": "Independence of the texts",
    "same_fit": (
        "Beware: these texts are exactly those that the model learnt from. No figure of this "
        "report says what it is worth on others."
    ),
    "same_certify": (
        "Beware: these texts are exactly those that fixed the thresholds. The errors among "
        "automatic texts do not put the promise to the test."
    ),
    "same_test": "These texts are exactly the test part of the training.",
    "same_none": (
        "Taken together, these texts are none of the parts of the training. The model keeps no "
        "text: it cannot tell whether it learnt from some of them."
    ),
    "seen": (
        "Of {n_distinct} different texts, {n_seen} were used to make or to test the model, which "
        "may do better on them than on others; what is said of the promise leaves them out."
    ),
    "repeated": (
        "{n_distinct} different texts of {n_texts}; {n_repeated} repetitions, which do not count "
        "in the intervals."
    ),
    "contradictory": (
        "{n_texts} texts say the same thing as another one and have another code ({n_keys} "
        "different texts): no model can have all of them right."
    ),
    "missing_codes": "{n} rows without a code were left out.",
    "comparison": "Comparison with “{name}”",
    "comparison_note": (
        "On {n} different texts, text by text. Difference of accuracy: {difference} (95% interval "
        "from {low} to {high}); exact McNemar test: p = {p}."
    ),
    "comparison_better": "This model is right more often than “{name}”.",
    "comparison_worse": "This model is right less often than “{name}”.",
    "comparison_equal": "Nothing shows that one of them is right more often.",
    "this_model": "this model",
    "of_model": "{name}: {outcome}",
    "right": "right",
    "wrong": "wrong",
    "coverage": "coverage",
    "figure_codes": "F1 and number of texts of each code",
    "footer": (
        "Each automatic code is the one that the model would give in production, with the "
        "threshold in force. Intervals are Clopper and Pearson's, on one text drawn at random "
        "among those that say the same thing."
    ),
}


def _keep_together(sentence: str) -> str:
    """Return French words whose double punctuation never begins a line."""
    for mark in ":;?!»%":
        sentence = sentence.replace(f" {mark}", f"\N{NO-BREAK SPACE}{mark}")
    return sentence.replace("« ", "«\N{NO-BREAK SPACE}")


WORDS: dict[Language, dict[str, str]] = {
    "fr": {name: _keep_together(sentence) for name, sentence in FRENCH.items()},
    "en": ENGLISH,
}
