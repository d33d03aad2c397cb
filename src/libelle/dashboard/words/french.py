"""French: what the pages say to French readers."""

FRENCH = {
    # Of every page.
    "site": "libelle",
    "skip": "Aller au contenu",
    "nav": "Pages",
    "first": "L’essentiel",
    "today": "Aujourd’hui",
    "guarantee": "Garantie",
    "drift": "Dérive",
    "codes": "Codes",
    "models": "Modèles",
    "made_up": (
        "<b>Démonstration.</b> Un programme a inventé ces demandes : aucun chiffre d’ici ne dit "
        "rien d’une vraie administration."
    ),
    "other_language": "English",
    "logged_in": "Connexion : {name}",
    "log_out": "Se déconnecter",
    "table": "Voir les chiffres",
    "not_measured": "Pas encore mesuré",
    "measuring": "Mesure en cours",
    "no_data": "Pas encore de données",
    "data_of": "Journal lu le {at} UTC ; dernière demande le {last} UTC.",
    "data_of_none": "Journal lu le {at} UTC ; aucune demande.",
    "off": (
        "<b>Pas encore de données.</b> Aucun journal des réponses n’est tenu : donnez-lui une "
        "place avec <code>LIBELLE_LOG_URI</code>."
    ),
    "empty": (
        "<b>Pas encore de données.</b> Le journal ne contient aucune réponse. Les chiffres "
        "viendront avec la première demande."
    ),
    "counting": (
        "Première lecture du journal : {n_done} jours lus sur {n_days}. Rechargez la page pour "
        "voir la suite."
    ),
    "reading": "Le journal est en cours de lecture. Rechargez la page dans un instant.",
    "unreachable_since": "{why} Ce qui suit date du {at} UTC.",
    "unreachable_never": "{why} Rien n’a pu être lu.",
    "why_unreachable": "Le journal est hors d’atteinte : le serveur ne répond pas à l’appel.",
    "why_no_answer": "Le journal est hors d’atteinte : pas de réponse dans le délai.",
    "why_refused": "Le journal est hors d’atteinte : l’accès est refusé.",
    "why_not_found": "Le journal est hors d’atteinte : rien ne se trouve à cette adresse.",
    "why_slow_down": "Le journal est hors d’atteinte : le serveur demande d’attendre.",
    "why_no_space": "Le journal ne peut être compté : il n’y a plus de place.",
    "why_other": "Le journal n’a pas pu être lu : voir les messages du tableau de bord.",
    "problems_one": "{n} fichier du journal a été laissé de côté : il est abîmé ou étranger.",
    "problems_many": (
        "{n} fichiers du journal ont été laissés de côté : ils sont abîmés ou étrangers."
    ),
    "texts_one": "{n} libellé",
    "texts_many": "{n} libellés",
    "automatic": "automatiques",
    "review": "à vérifier",
    "refused": "refusés",
    "failed": "en erreur",
    "day": "jour",
    "hour": "heure (UTC)",
    "week": "semaine du",
    "texts": "libellés",
    "share_automatic": "part automatique",
    "total": "total",
    # Errors and login.
    "error_401": "Connexion nécessaire",
    "error_401_why": "Connectez-vous, puis recommencez.",
    "error_403": "Accès refusé",
    "error_403_why": (
        "Votre clé n’a pas le droit de voir cette page ou de faire cela, ou la demande vient "
        "d’un autre site."
    ),
    "error_404": "Page introuvable",
    "error_404_why": "Rien ne se trouve à cette adresse.",
    "error_405": "Demande impossible",
    "error_405_why": "Cette adresse n’accepte pas cette demande.",
    "error_429": "Trop de demandes",
    "error_429_why": "Attendez une minute, puis recommencez.",
    "error_500": "La page n’a pas pu être faite",
    "error_500_why": "Recommencez ; si cela continue, prévenez qui fait tourner libelle.",
    "login": "Connexion",
    "login_why": "Entrez la clé qui vous a été donnée. Elle doit avoir le droit de lire.",
    "login_key": "Clé",
    "login_go": "Se connecter",
    "login_wrong": "Cette clé n’est pas connue, ou n’a pas le droit de lire.",
    "to_first": "Retour à l’essentiel",
    # First page.
    "first_title": "Le codage automatique en quatre phrases",
    "first_period": "Du {first} au {last}",
    "ask_automatic": "Combien est automatique ?",
    "ask_wrong": "Combien de fois est-ce faux ?",
    "ask_changed": "Qu’est-ce qui a changé ?",
    "ask_todo": "Que faire ?",
    "first_automatic": (
        "<b>{share}</b> des libellés sont codés automatiquement, ce qui épargne environ "
        "<b>{hours}</b> de travail."
    ),
    "first_automatic_why": (
        "{n_automatic} libellés sur {n_texts} en 28 jours, à raison de {seconds} s pour qu’une "
        "personne en code un."
    ),
    "first_silent": "Aucun libellé n’a été reçu en 28 jours.",
    "hours_one": "{n} heure",
    "hours_many": "{n} heures",
    "first_wrong": (
        "<b>{error}</b> des codes automatiques sont faux (entre {low} et {high}) ; au plus "
        "{target} étaient promis."
    ),
    "first_wrong_judged": "{n_judged} libellés vérifiés par une personne, jusqu’au {until}.",
    "first_wrong_unchecked": (
        "Au plus <b>{target}</b> d’erreurs parmi les codes automatiques étaient promis ; ce n’est "
        "<b>pas encore vérifié</b> sur de vraies réponses."
    ),
    "first_wrong_none": "Rien n’est promis, et rien n’est codé automatiquement.",
    "first_wrong_indicative": (
        "Environ <b>{target}</b> d’erreurs étaient attendues parmi les codes automatiques : c’est "
        "une indication, <b>rien n’est prouvé ni vérifié</b>."
    ),
    "first_wrong_suspended": "Le codage automatique est <b>suspendu</b> : tout va en vérification.",
    "first_wrong_unchecked_why": "Un tirage de réponses, vérifiées par une personne, le dira.",
    "first_wrong_proved_why": "La promesse a été prouvée sur des libellés tenus à l’écart.",
    "status_holds": "promesse tenue",
    "status_in_doubt": "promesse en doute",
    "status_broken": "promesse rompue",
    "status_unchecked": "pas encore vérifié",
    "status_quiet": "sans objet",
    "severity_none": "rien de notable",
    "severity_low": "léger",
    "severity_medium": "à regarder",
    "severity_high": "fort",
    "first_changed_unmeasured": (
        "La dérive n’est <b>pas encore mesurée</b>. La part automatique est de {after} sur 7 "
        "jours, contre {before} sur les 28 jours d’avant."
    ),
    "first_changed_short": (
        "La dérive n’est <b>pas encore mesurée</b>, et il y a trop peu de réponses pour comparer "
        "deux périodes."
    ),
    "first_changed_version": "La version {version} répond depuis le {day}.",
    "first_changed_nothing": "Rien de notable n’a changé.",
    "first_changed_compared": "Comparaison mesurée le {at} UTC.",
    "todo_nothing": "Rien à faire : tout est en ordre.",
    "todo_unreachable": "Rétablir l’accès au journal.",
    "todo_broken": (
        "Suspendre le codage automatique, puis certifier de nouveau : la promesse est rompue."
    ),
    "todo_doubt": "Faire vérifier {n} libellés de plus pour trancher.",
    "todo_doubt_any": "Faire vérifier davantage de libellés pour trancher.",
    "todo_audit": (
        "Faire vérifier un tirage de réponses automatiques (<code>libelle audit draw</code>)."
    ),
    "todo_drift": "Regarder ce qui a changé : c’est assez fort pour peser sur les codes.",
    "todo_certify": "Certifier un seuil : sans lui, rien n’est codé automatiquement.",
    "todo_problems": "Faire regarder les fichiers du journal laissés de côté.",
    "todo_silent": "Vérifier que le service reçoit bien des demandes : la dernière date du {at}.",
    "see_today": "Voir l’activité",
    "see_guarantee": "Voir la garantie",
    "see_drift": "Voir la dérive",
    "first_weeks": "Part automatique, semaine après semaine",
    "first_weeks_say": (
        "Courbe de la part automatique de {n} semaines : de {before} à {after} la dernière."
    ),
    # Today.
    "today_title": "L’activité du {day}",
    "today_none": "Aucune demande ce jour-là.",
    "day_before": "Jour précédent",
    "day_after": "Jour suivant",
    "tile_texts": "libellés reçus",
    "tile_distinct": "dont différents",
    "tile_automatic": "codés automatiquement",
    "tile_review": "à vérifier",
    "tile_refused": "refusés",
    "tile_failed": "en erreur",
    "today_hours": "Heure par heure",
    "today_hours_say": "Barres du nombre de libellés par heure ; le plus à {hour} h UTC, {n}.",
    "today_days": "Les 28 derniers jours",
    "today_days_say": "Barres du nombre de libellés par jour sur 28 jours, {n} en tout.",
    "today_confidence": "Indice de confiance",
    "today_confidence_say": (
        "Histogramme de l’indice de confiance : la moitié des libellés dépassent {median}."
    ),
    "today_confidence_none": "Aucun indice de confiance ce jour-là.",
    "confidence": "indice de confiance",
    "today_refusals": "Pourquoi des libellés sont refusés",
    "today_refusals_none": "Aucun libellé refusé ce jour-là.",
    "reason": "raison",
    "reason_empty": "vide",
    "reason_code_typed": "un code à la place de mots",
    "reason_only_digits": "rien que des chiffres",
    "reason_repeated_characters": "caractères répétés",
    "reason_too_short": "trop court",
    "reason_no_known_word": "aucun mot connu",
    "reason_outside_vocabulary": "loin du vocabulaire appris",
    "today_latency": "Temps de réponse",
    "today_latency_say": (
        "La moitié des libellés ont leur réponse en moins de <b>{median}</b>, 95 % en moins de "
        "{p95}, 99 % en moins de {p99}."
    ),
    "today_latency_none": "Aucun temps de réponse ce jour-là.",
    "today_words": "Mots inconnus",
    "today_words_say": "{share} des mots n’étaient pas dans le vocabulaire du modèle.",
    "alerts": "Alertes",
    "alerts_calm": "Aucune des {n} alertes n’est levée ({replicas}, le {at} UTC).",
    "alerts_raised_one": "<b>{n} alerte est levée</b> ({replicas}, le {at} UTC).",
    "alerts_raised_many": "<b>{n} alertes sont levées</b> ({replicas}, le {at} UTC).",
    "alerts_others": "Ce qui est surveillé par ailleurs",
    "alerts_off": (
        "Les alertes ne sont pas surveillées ici : donnez l’adresse des indicateurs de l’API avec "
        "<code>LIBELLE_METRICS_URL</code>."
    ),
    "alert_calm": "calme",
    "alert_pending": "à confirmer, depuis le {since} UTC",
    "alert_raised": "depuis le {since} UTC",
    "replicas_one": "{n} exemplaire vu",
    "replicas_many": "{n} exemplaires vus",
    "todo_alert": "{meaning} Voir <code>{name}</code> dans le guide d’exploitation.",
    "today_model": "Le modèle qui répond",
    "today_version": "version {version}",
    "today_folder": "hors registre",
    "today_promise_guaranteed": "au plus {target} d’erreurs, preuve à l’appui",
    "today_promise_indicative": "environ {target} d’erreurs attendues, sans preuve",
    "today_promise_suspended": "codage automatique suspendu",
    "today_promise_none": "aucune promesse",
    "model": "modèle",
    "promise": "promesse",
    "fingerprint": "empreinte",
    "ms": "{n} ms",
    "seconds": "{n} s",
}
