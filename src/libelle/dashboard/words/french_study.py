"""French, of the pages on the guarantee, drift, codes and models."""

FRENCH_STUDY = {
    # Guarantee.
    "guarantee_title": "La garantie : ce qui est promis, et ce qui est tenu",
    "guarantee_stands": "Où en est la promesse",
    "guarantee_audit_none": (
        "Aucun tirage de réponses n’a encore été vérifié : l’erreur réelle n’est pas connue."
    ),
    "guarantee_audit_how": (
        "<code>libelle audit draw</code> tire les libellés à faire vérifier, "
        "<code>libelle audit estimate</code> dit ce qu’il en est."
    ),
    "guarantee_more": "Encore {n} libellés vérifiés environ permettraient de trancher.",
    "guarantee_other": (
        "Cette vérification porte sur un autre modèle que celui qui répond : elle ne dit rien "
        "de lui."
    ),
    "guarantee_published_warn": (
        "Ce verdict est publié : l’API le dit dans <code>/v1/model</code> et les indicateurs, et "
        "ne suspend rien (<code>LIBELLE_ON_BROKEN=warn</code>)."
    ),
    "guarantee_published_suspend": (
        "Ce verdict est publié : une promesse rompue suspend le codage automatique, jusqu’à ce "
        "qu’un autre modèle soit certifié (<code>LIBELLE_ON_BROKEN=suspend</code>)."
    ),
    "guarantee_arms": "Erreur réelle, d’après les libellés vérifiés",
    "guarantee_review": (
        "Pour un libellé envoyé en vérification, la première proposition est juste dans "
        "<b>{accuracy}</b> des cas (entre {low} et {high}), d’après {n} libellés vérifiés."
    ),
    "arm": "libellés",
    "arm_automatic": "codés automatiquement",
    "arm_review": "envoyés en vérification",
    "judged": "vérifiés",
    "wrong": "faux",
    "error_rate": "part d’erreurs",
    "interval": "intervalle",
    "guarantee_points": "Seuils certifiés",
    "guarantee_points_why": (
        "Chaque seuil a été choisi et prouvé sur des libellés que le modèle n’avait jamais vus. "
        "Un seuil indicatif n’est pas prouvé."
    ),
    "guarantee_points_none": (
        "Ce modèle n’a pas de seuil : rien n’est codé automatiquement. "
        "<code>libelle certify</code> en prouve un."
    ),
    "target_error": "erreur visée",
    "status": "statut",
    "status_guaranteed": "garanti",
    "status_indicative": "indicatif",
    "status_none": "aucun seuil",
    "threshold": "seuil",
    "bound": "borne garantie",
    "confidence_level": "avec confiance",
    "certified_coverage": "part automatique alors",
    "proof": "faux / codés alors",
    "guarantee_here": (
        "Sur les réponses des 28 derniers jours, la part automatique est de <b>{here}</b> ; elle "
        "était de {then} lors de la certification."
    ),
    "guarantee_curve": "Erreurs selon la part automatique",
    "guarantee_curve_why": (
        "Exploration, sur des libellés mis de côté pendant l’apprentissage : la courbe ne prouve "
        "rien. Les losanges sont les seuils certifiés."
    ),
    "guarantee_curve_say": (
        "Courbe des erreurs : {low} en codant {least} des libellés, {high} en les codant tous."
    ),
    "guarantee_curve_none": "Ce modèle n’a pas gardé sa courbe d’exploration.",
    "slider": "Part automatique voulue",
    "slider_says": (
        'Avec un seuil de <b data-slot="threshold"></b>, <b data-slot="coverage"></b> des '
        'libellés seraient codés automatiquement, avec environ <b data-slot="error"></b> '
        "d’erreurs parmi eux. C’est une exploration : pour promettre ce seuil, il faut le "
        "certifier."
    ),
    "guarantee_confidence": "Où tombent les réponses des 28 derniers jours",
    "guarantee_confidence_say": (
        "Histogramme de l’indice de confiance ; la ligne rouge est le seuil en vigueur."
    ),
    "guarantee_confidence_alone": "Histogramme de l’indice de confiance.",
    # Models out of reach.
    "models_reading": "Le registre des modèles n’a pas encore répondu. Rechargez la page.",
    "models_unreachable": (
        "Le registre des modèles est hors d’atteinte : il n’a pas répondu dans le délai."
    ),
    "models_missing": "Le registre ne connaît pas le modèle <code>{uri}</code>.",
    "models_failed": "Les modèles n’ont pas pu être lus : voir les messages du tableau de bord.",
    "models_differ": (
        "Le modèle que nomme <code>LIBELLE_MODEL</code> ({named}) n’est pas celui qui répond "
        "({seen}) : seuils et courbe ne sont pas les siens."
    ),
    "models_since": "{why} Ce qui suit date du {at} UTC.",
    # Drift.
    "drift_title": "La dérive : ce qui a changé",
    "drift_none": (
        "L’écart aux textes d’apprentissage n’a pas encore été mesuré. <code>libelle drift</code> "
        "le mesure."
    ),
    "drift_measuring": "L’écart est en cours de mesure : revenez dans une minute.",
    "drift_meanwhile": "En attendant, semaine après semaine",
    "drift_weeks": "Semaine après semaine",
    "drift_meanwhile_why": (
        "Ces courbes montrent ce que contient le journal. Aucun test n’a été fait : une "
        "différence peut venir du hasard."
    ),
    "drift_found": "Ce qui a été trouvé",
    "drift_nothing": "Aucune différence notable avec la référence.",
    "drift_compared": "Référence : {reference}. Période : {current}. Mesuré le {at} UTC.",
    "drift_expected": "Ce que l’on peut attendre",
    "drift_notes": "Ce qui limite cette mesure",
    "drift_coverage": "Part automatique",
    "drift_refused": "Part refusée",
    "drift_unknown": "Part de mots inconnus",
    "drift_confidence": "Indice de confiance moyen",
    "drift_series_say": "Courbe de {n} semaines : de {before} à {after} la dernière.",
    "drift_lines_say": "Courbes de {n} semaines, de la première à la dernière.",
    "drift_line_say": " {name} : {before} → {after}.",
    "drift_codes": "Codes dont la part a le plus changé",
    "drift_codes_why": (
        "Les 28 derniers jours contre les 28 d’avant, sans test : au moins {n} libellés d’un côté."
    ),
    "drift_codes_short": "Il y a trop peu de réponses pour comparer deux périodes de 28 jours.",
    "before": "avant",
    "after": "maintenant",
    "change": "écart",
    "points": "{n} pt",
    # Codes.
    "codes_title": "Les codes",
    "codes_why": (
        "Les 28 derniers jours, par code le plus probable, qu’il ait été donné ou proposé."
    ),
    "codes_search": "Chercher un code ou un intitulé",
    "codes_go": "Chercher",
    "codes_all": "Tous les codes",
    "codes_found_one": "{n} code",
    "codes_found_many": "{n} codes",
    "codes_none": "Aucun code ne correspond.",
    "codes_no_feedback": "Corrections : pas encore mesurées, aucun retour n’a été reçu.",
    "code": "code",
    "title": "intitulé",
    "share": "part",
    "mean_confidence": "confiance moyenne",
    "corrections": "corrections",
    "corrected": "{n_corrected} sur {n_verdicts}",
    "sort_by": "trier par {column}",
    "page_before": "Codes précédents",
    "page_after": "Codes suivants",
    "page_of": "page {n} sur {n_pages}",
    # Models.
    "models_title": "Les modèles",
    "models_folder": (
        "Le modèle est servi depuis un dossier : il n’a ni versions ni historique. Donnez "
        "<code>LIBELLE_MODEL=models:/NOM@champion</code> pour suivre un registre."
    ),
    "models_named": "Modèle <b>{name}</b>, empreinte <code>{digest}</code>.",
    "models_versions": "Versions de {name}",
    "models_none": "Aucune version n’est enregistrée.",
    "version": "version",
    "alias": "alias",
    "created": "faite le",
    "accuracy": "justes (test)",
    "promises": "promesses",
    "answers": "réponses (28 j)",
    "models_history": "Qui a promu quoi, et pourquoi",
    "models_history_none": "Aucun mouvement n’a été noté.",
    "at": "le",
    "move": "mouvement",
    "what": "quoi",
    "by": "par",
    "why": "pourquoi",
    "why_first": "première version de ce nom",
    "why_register": "version la plus récente",
    "nobody": "inconnu",
    "nothing": "aucune",
    "move_first": "première",
    "move_register": "enregistrement",
    "move_promote": "promotion",
    "move_override": "promotion malgré l’avis",
    "move_rollback": "retour arrière",
    "move_half-done": "inachevé",
    "move_cancelled": "annulé",
    "models_complaints": "L’historique ne concorde pas avec le registre :",
    "promise_guaranteed": "au plus {target}, c’est prouvé ; {coverage} automatiques",
    "promise_indicative": "environ {target}, sans preuve ; {coverage} automatiques",
    "promise_none": "{target} n’a pas pu être prouvé",
}
