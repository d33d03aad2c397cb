"""French of the pages where people work: trying a text, reviewing."""

FRENCH_WORK = {
    "page_review": "Vérifier",
    "review_title": "Libellés à vérifier",
    "review_why": "Choisissez le bon code : une touche suffit.",
    "review_text": "Libellé",
    "review_candidates": "Propositions",
    "review_hidden": (
        "Les propositions du modèle sont cachées pour ce libellé : cherchez le code vous-même. "
        "Elles seront montrées ensuite."
    ),
    "review_no_candidate": "Le modèle ne propose rien : cherchez le code.",
    "review_search": "Chercher un autre code",
    "review_go": "Chercher",
    "review_skip": "Passer",
    "review_skip_why": "Pourquoi passer ce libellé ?",
    "review_skip_information": "Pas assez d’information",
    "review_skip_ambiguous": "Plusieurs codes conviendraient",
    "review_skip_aside": "Plus tard, sans avis",
    "review_undo": "Annuler",
    "review_undo_last": "Revenir sur le dernier avis",
    "review_again": "Vous aviez répondu à ce libellé : cet avis tient tant que vous n’en donnez "
    "pas un autre.",
    "review_last": "Derniers avis",
    "review_kept": "Avis enregistré : {said}",
    "review_said_not_enough_information": "pas assez d’information",
    "review_said_ambiguous_nomenclature": "plusieurs codes conviendraient",
    "review_put_aside": "rendu, sans avis",
    "review_proposed": "le modèle proposait {code} ({share})",
    "review_given_one": "{n} libellé jugé par vous",
    "review_given_many": "{n} libellés jugés par vous",
    "review_left": "{n} à juger",
    "review_left_cut": "plus de {n} à juger",
    "review_agreement": (
        "Libellés jugés par deux personnes : {n_alike} avis identiques sur {n_twice} ({share})."
    ),
    "review_agreement_none": (
        "Un libellé sur vingt est jugé par deux personnes ; aucun ne l’a encore été deux fois."
    ),
    "review_off": (
        "<b>Rien à vérifier ici.</b> Aucun journal des réponses n’est tenu : donnez-lui une place "
        "avec <code>LIBELLE_LOG_URI</code>."
    ),
    "review_empty": "<b>Rien à vérifier.</b> Aucun libellé n’attend d’avis.",
    "review_done": "<b>C’est fini.</b> Tous les libellés qui attendaient ont un avis. Merci !",
    "review_elsewhere": (
        "<b>Rien pour vous en ce moment.</b> Les libellés qui restent sont chez d’autres "
        "personnes, ou mis de côté par vous. Revenez dans quelques minutes."
    ),
    "review_no_text": (
        "<b>Aucun libellé n’est gardé.</b> {n} réponses sont à vérifier, mais le journal ne garde "
        "pas leurs textes."
    ),
    "review_reading": "Le journal est en cours de lecture. Rechargez la page dans un instant.",
    "review_unread": (
        "Le journal, les avis ou un échantillon d’audit n’ont pas pu être relus : ce qui suit "
        "peut dater."
    ),
    "review_how_title": "Comment faire garder les textes",
    "review_how": (
        "Par défaut, le journal ne garde aucun texte : ce peuvent être des données personnelles. "
        "Pour vérifier, faites garder ceux qui sont à vérifier, trente jours au plus : donnez à "
        "l’API le réglage <code>LIBELLE_TEXT_POLICY=review</code>, puis relancez-la. Les libellés "
        "reçus ensuite paraîtront ici. Inscrivez ce traitement au registre."
    ),
    "review_refused": "Cet avis est refusé.",
    "review_refused_403": (
        "L’API refuse la clé du tableau de bord : elle doit avoir le droit <code>review</code>."
    ),
    "review_refused_401": (
        "L’API demande une clé : donnez au tableau de bord <code>LIBELLE_API_KEY</code>."
    ),
    "review_refused_409": "Vous avez déjà donné un autre avis sur ce libellé.",
    "review_not_yours": "Ce libellé est chez quelqu’un d’autre, ou a déjà un avis.",
    "review_gone": "L’API ne répond pas : l’avis n’est pas enregistré. Recommencez.",
    "review_search_gone": "L’API ne répond pas : la recherche est impossible pour l’instant.",
    "review_js_gone": (
        "Le service ne répond pas. Vos avis attendent ici et repartiront seuls : gardez la page "
        "ouverte."
    ),
    "review_js_session": "Votre connexion a pris fin. Vos avis attendent : reconnectez-vous.",
    "review_js_loading": "Chargement du libellé suivant…",
    "review_js_nothing": "Rien à annuler.",
    "review_js_waiting": "en attente",
    "review_js_kept": "enregistré",
    "review_js_refused": "refusé",
    "review_js_unsent": "Avis en attente d’envoi : ",
    "review_help": "Touches du clavier",
    "review_help_number": "choisir une proposition",
    "review_help_search": "chercher un code",
    "review_help_skip": "passer, puis 1, 2 ou 3 pour dire pourquoi",
    "review_help_undo": "revenir sur le dernier avis",
    "review_help_escape": "quitter la recherche",
    "review_help_help": "montrer ou cacher cette aide",
    "review_or": "ou",
}
