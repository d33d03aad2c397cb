"""What the pages on deployment name exists, and what they tell to run can be run."""

import re
import shlex
import shutil
from dataclasses import replace

import kubernetes_validate
import pytest
import yaml

from libelle.settings import Settings
from tests.deployment import pages, policies
from tests.deployment.conftest import DIGEST, ROOT, build, copy_clone, deploy
from tests.deployment.manifests import DASHBOARD, of_kind, quantity, selects, workload
from tests.deployment.pages import CHECKS, Page
from tests.deployment.test_overlays import NEWEST, OLDEST

FRENCH, ENGLISH = "docs/deploy-sspcloud.md", "docs/deploy-sspcloud.en.md"
PAGES = (FRENCH, ENGLISH, "kubernetes/README.md", "docs/operate.md")
OVERLAY = "kubernetes/overlays/sspcloud"


@pytest.fixture
def read_page(built):
    """Return a function that reads a page, beside the objects of every component."""

    def read(name) -> Page:
        return Page(ROOT / name, (ROOT / name).read_text(), built["everything"])

    return read


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_a_page_names_exists(read_page, name, check):
    assert list(check(read_page(name))) == []


@pytest.mark.parametrize(
    ("check", "before", "after"),
    [
        (pages.libelle_commands_parse, "libelle models show demo", "libelle models show"),
        (pages.libelle_commands_parse, "--scopes predict,read", "--scope predict,read"),
        (pages.quoted_options_exist, "`libelle models promote`", "`libelle models promote --now`"),
        (pages.objects_of_kubectl_exist, "cronjob/libelle-drift", "cronjob/libelle-drifts"),
        (pages.objects_of_kubectl_exist, "job/first-drift", "job/second-drift"),
        (pages.objects_of_kubectl_exist, f"-k {OVERLAY}", "-k kubernetes/overlays/ssp"),
        (pages.objects_of_kubectl_exist, "delete secret s3-creds", "delete secret s3-cred"),
        (pages.names_are_those_of_the_files, "`libelle-log-retention`", "`libelle-log-purge`"),
        (pages.secrets_are_those_that_pods_ask_for, "generic log-key", "generic log-keys"),
        (pages.secrets_are_those_that_pods_ask_for, "=client-secret=", "=secret-client="),
        (pages.secrets_are_those_that_pods_ask_for, "`s3-creds`", "`minio-creds`"),
        (pages.variables_exist, "`LIBELLE_ROOT_PATH`", "`LIBELLE_ROOT`"),
        (pages.variables_exist, "`DEPLOY_OVERLAY`", "`DEPLOY_OVERLAYS`"),
        (pages.variables_exist, "`REPORTS_URI`", "`REPORTS_URL`"),
        (pages.files_exist, "`argocd/application.yaml`", "`argocd/applications.yaml`"),
        (pages.images_are_built, "libelle-train.reference", "libelle-training.reference"),
        (pages.addresses_are_answered, "/v1/predict -H", "/v1/predictions -H"),
    ],
)
def test_each_check_sees_what_breaks_a_page(read_page, check, before, after):
    for name in (FRENCH, ENGLISH):
        page = read_page(name)
        assert before in page.text
        assert list(check(replace(page, text=page.text.replace(before, after))))


def test_both_languages_hold_the_same_blocks():
    french, english = (
        re.findall(r"```.*?```", (ROOT / one).read_text(), re.DOTALL) for one in (FRENCH, ENGLISH)
    )
    assert french == english
    assert len(french) > 15


def test_both_languages_have_the_same_sections_tables_and_names():
    french, english = ((ROOT / one).read_text() for one in (FRENCH, ENGLISH))
    for shape in (r"^(#+) ", r"^\|.*\|$", r"^- "):
        assert len(re.findall(shape, french, re.MULTILINE)) == len(
            re.findall(shape, english, re.MULTILINE)
        )
    named = [set(re.findall(r"`([\w./:@-]*[_/.-][\w./:@-]*)`", one)) for one in (french, english)]
    assert named[0] == named[1]


def test_fresh_texts_of_the_guide_come_from_another_seed_than_the_training():
    text = (ROOT / FRENCH).read_text()
    seeds = re.findall(r"^libelle demo data \S+ --seed (\d+)$", text, re.MULTILINE)
    assert len(seeds) == len(set(seeds)) == 2


def test_the_place_that_the_guide_writes_can_be_built(read_page, tmp_path, capsys):
    clone = copy_clone(tmp_path)
    (block,) = [one for one in read_page(FRENCH).blocks("bash") if "configure" in one]
    command, *commit = block.replace("\\\n", " ").replace("…", DIGEST).splitlines()
    deploy(*shlex.split(command)[2:], f"--folder={clone}", f"--digest={DIGEST}")
    printed = capsys.readouterr().out.partition("Then:\n")[2].splitlines()
    assert commit == [line.strip() for line in printed]
    objects = list(yaml.safe_load_all(build(clone / OVERLAY)))
    assert list(policies.no_placeholder(objects)) == []
    (ingress,) = of_kind(objects, "Ingress")
    assert f"`{ingress['spec']['rules'][0]['host']}`" in read_page(FRENCH).text


@pytest.fixture
def behind_a_login(configured, read_page, tmp_path):
    """The objects of the overlay, once it holds what the guide says of OIDC."""
    clone = shutil.copytree(configured, tmp_path / "clone")
    page = read_page(FRENCH)
    login, choice = (block.replace("…", DIGEST) for block in page.blocks("yaml"))
    (clone / OVERLAY / "login.yaml").write_text(login)
    path = clone / OVERLAY / "kustomization.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | yaml.safe_load(choice)))
    return list(yaml.safe_load_all(build(clone / OVERLAY)))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_login_before_the_dashboard_is_made_of_real_objects(behind_a_login, version):
    for one in behind_a_login:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_login_keeps_the_policies_that_are_not_about_libelle(behind_a_login):
    for policy in (
        policies.only_kinds_of_a_namespace,
        policies.images_are_pinned,
        policies.no_placeholder,
        policies.ingresses_lead_somewhere,
        policies.no_metrics_outside,
    ):
        assert list(policy(behind_a_login)) == []


def test_the_dashboard_is_reached_through_the_login_alone(behind_a_login):
    (ingress,) = of_kind(behind_a_login, "Ingress", DASHBOARD)
    (service,) = of_kind(behind_a_login, "Service", "libelle-login")
    (door,) = of_kind(behind_a_login, "Ingress", "libelle-login")
    notes, host = ingress["metadata"]["annotations"], ingress["spec"]["rules"][0]["host"]
    namespace = service["metadata"]["namespace"]
    asked = f"http://libelle-login.{namespace}.svc.cluster.local/oauth2/auth"
    assert notes["nginx.ingress.kubernetes.io/auth-url"] == asked
    assert notes["nginx.ingress.kubernetes.io/auth-signin"].startswith(f"https://{host}/oauth2/")
    assert door["spec"]["rules"][0]["host"] == host
    assert door["spec"]["rules"][0]["http"]["paths"][0]["path"] == "/oauth2"
    arguments = workload(behind_a_login, "libelle-login").container["args"]
    assert f"--redirect-url=https://{host}/oauth2/callback" in arguments
    (api,) = of_kind(behind_a_login, "Ingress", "libelle-api")
    assert not [name for name in api["metadata"]["annotations"] if "auth" in name]


def test_no_policy_of_the_network_holds_the_login(behind_a_login):
    labels = workload(behind_a_login, "libelle-login").labels
    for policy in of_kind(behind_a_login, "NetworkPolicy"):
        assert not selects(policy["spec"]["podSelector"]["matchLabels"], labels)


@pytest.mark.parametrize("name", [FRENCH, ENGLISH])
def test_the_room_that_the_guide_tells_is_that_of_the_readme(name):
    readme, text = (ROOT / "kubernetes/README.md").read_text(), " ".join(
        (ROOT / name).read_text().split()
    )
    for row in ("at rest", "at most"):
        (line,) = re.findall(rf"^\| {row}.*$", readme, re.MULTILINE)
        cpu, memory = (quantity(cell.strip()) for cell in line.strip("| ").split("|")[1:3])
        told = [f"{cpu:.1f} ", f"{memory / 2**30:.1f} G"]
        assert all(one in text.replace(",", ".") for one in told), row


@pytest.mark.parametrize("name", [FRENCH, ENGLISH])
def test_what_expires_has_the_default_of_the_settings(name):
    text = (ROOT / name).read_text()
    hours = Settings.model_fields["session_seconds"].default / 3600
    (session,) = re.findall(r"\| (\d+) \w+ \(`LIBELLE_SESSION_SECONDS`\)", text)
    (days,) = re.findall(r"\| (\d+) \w+ \(`LIBELLE_LOG_DAYS`\)", text)
    assert (int(session), int(days)) == (hours, Settings.model_fields["log_days"].default)


def test_every_component_is_described(read_page):
    readme = read_page("kubernetes/README.md").text
    for folder in (ROOT / "kubernetes/components").iterdir():
        assert f"`{folder.name}`" in readme
