# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflows in docs/ci: their commands, run one after another as the servers run them.

In a clone of a small repository whose bootstrap.sh puts the built program where a build does, with
the smallest settings. What the servers themselves do (checkout, cache, artifacts) is played by this
file, what writes comments and installs packages by stand-ins. A step or a condition that is not
known here fails the test.
"""

import os
import re
import shutil
import subprocess

import harness
from harness import PROGRAM, SOURCE, check, environment, need_module, read_text, run

RECIPES = os.path.join(SOURCE, "docs", "ci")
PAIRS = "--pairs 2..2 --budget 60"
BOOTSTRAP = "#!/bin/sh\nmkdir -p build && ln -sf {program} build/kvroof && echo $* >>{calls}\n"


def recipe(name):
    """The document; `on` is True in YAML 1.1."""
    return need_module("yaml").safe_load(read_text(os.path.join(RECIPES, name)))


def small():
    """Options of the smallest runs, in place of a profile."""
    return " ".join(["-k fp16,lookat.u8", *harness.TINY[:-2], "--roofs", harness.tiny_roofs()])


class Clone:
    """A repository with one commit, the stand-ins, and what a server remembers between jobs."""

    def __init__(self):
        self.top = os.getcwd()
        self.calls = os.path.join(self.top, "calls")
        self.commands = []
        os.makedirs("bin")
        for tool in ("apt-get", "gh", "curl"):
            self.put(f"bin/{tool}", f"#!/bin/sh\necho {tool} \"$*\" >>{self.calls}\n")
        os.makedirs("origin")
        self.put("origin/bootstrap.sh", BOOTSTRAP.format(program=PROGRAM, calls=self.calls))
        with open("origin/.gitignore", "w", encoding="utf-8") as file:
            file.write("/build/\n")
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
            self.git("origin", *words)
        self.sha = self.git("origin", "rev-parse", "HEAD").strip()

    def put(self, path, text):
        """A program of this text."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def env(self, **changes):
        """Of a job: neither the user's git settings nor their tools."""
        return environment(PATH=os.path.join(self.top, "bin") + ":" + os.environ["PATH"],
                           HOME=self.top, GIT_CONFIG_NOSYSTEM="1", **changes)

    def git(self, folder, *words):
        """stdout of git in a folder."""
        names = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        done = subprocess.run([harness.need("git"), "-C", folder, *names, *words], check=False,
                              capture_output=True, text=True, env=self.env())
        check(done.returncode == 0, f"git {words}: {done.stderr}")
        return done.stdout

    def checkout(self):
        """A new working folder, as a job finds it."""
        shutil.rmtree("job", ignore_errors=True)
        self.git(".", "clone", "-q", "origin", "job")

    def shell(self, text, codes=(0,), **env):
        """Runs commands in the job's folder; the exit code, which is one of these."""
        done = subprocess.run([harness.need("bash"), "--noprofile", "--norc", "-eo", "pipefail",
                               "-c", text], cwd="job", env=self.env(**env), check=False,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=600)
        check(done.returncode in codes, "a command of the recipe",
              harness.Outcome([text], done.returncode, done.stdout, done.stderr))
        return done.returncode

    def called(self):
        """What the stand-ins were called with so far."""
        return read_text(self.calls) if os.path.exists(self.calls) else ""


# ---- GitHub ----

class Workflow(Clone):
    """The one job of github-actions.yml."""

    def __init__(self):
        super().__init__()
        self.document = recipe("github-actions.yml")
        (self.job,) = self.document["jobs"].values()
        self.cache, self.values = {}, {}

    def expand(self, text):
        """${{ name }}; a name that is not known is a mistake in the recipe."""
        return re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda m: self.values[m[1]], str(text))

    def wanted(self, step):
        """What the step's `if` says."""
        known = {
            None: True, "always()": True,
            "github.event_name == 'push'": self.values["github.event_name"] == "push",
            "github.event_name == 'pull_request'":
                self.values["github.event_name"] == "pull_request",
            "steps.gate.outputs.code == '4'": self.values.get("steps.gate.outputs.code") == "4",
            "always() && steps.gate.outputs.code != ''": "steps.gate.outputs.code" in self.values,
        }
        return known[step.get("if")]

    def use(self, action, given):
        """What the server's own steps do."""
        given = {name: self.expand(text) for name, text in given.items()}
        if action == "actions/checkout@v4":
            check(given["fetch-depth"] == "0", "the base commit is fetched, too")
            self.checkout()
        elif action == "actions/cache/restore@v4":
            found = [key for key in self.cache if key.startswith(given["restore-keys"])]
            if found:
                shutil.copy(self.cache[found[-1]], os.path.join("job", given["path"]))
        elif action == "actions/cache/save@v4":
            kept = os.path.abspath(f"kept-{len(self.cache)}")
            shutil.copy(os.path.join("job", given["path"]), kept)
            self.cache[given["key"]] = kept
        elif action == "actions/upload-artifact@v4":
            for path in given["path"].split():
                there = os.path.exists(os.path.join("job", path))
                check(there or path == "compare.md", f"an artifact is missing: {path}")
        else:
            raise harness.Failure(f"the action {action} is not known here")

    def run(self, event):
        """The steps of one event; the exit codes by the steps' names."""
        codes = {}
        failed = False
        self.values = {"github.event_name": event, "github.sha": self.sha, "github.token": "secret",
                       "github.event.pull_request.base.sha": self.sha,
                       "github.event.pull_request.html_url": "https://example.org/pull/1"}
        self.checkout()
        for step in self.job["steps"]:
            if not self.wanted(step) or (failed and "always()" not in step.get("if", "")):
                continue
            if "uses" in step:
                self.use(step["uses"], step.get("with", {}))
                continue
            check("${{" not in step["run"], "values reach a script through its environment")
            env = {name: self.expand(text) for name, text in step.get("env", {}).items()}
            env.update(self.document["env"], KVROOF_RUN=small(), KVROOF_PAIRS=PAIRS,
                       GITHUB_SHA=self.sha, GITHUB_OUTPUT=os.path.join(self.top, "output"),
                       GITHUB_STEP_SUMMARY=os.path.join(self.top, "summary.md"))
            # A gate may find anything: these runs are too short to be the same twice.
            gate = "compare.md ||" in step["run"]
            codes[step["name"]] = self.shell(step["run"], (0, 1) if gate else (0,), **env)
            failed = failed or codes[step["name"]] != 0
            self.read_outputs(step.get("id"), env["GITHUB_OUTPUT"])
        return codes

    def read_outputs(self, name, path):
        """name=value lines of a step's output file."""
        if name and os.path.exists(path):
            for line in read_text(path).splitlines():
                key, value = line.split("=", 1)
                self.values[f"steps.{name}.outputs.{key}"] = value
            os.remove(path)


def test_github_push():
    workflow = Workflow()
    check(set(workflow.document[True]) == {"push", "pull_request"}, "its events")
    workflow.run("push")
    (key,) = workflow.cache
    check(key == f"kvroof-{run('doctor', '--fingerprint').out.strip()}-{workflow.sha}", key)
    check("setup" in workflow.called() and "gh pr" not in workflow.called(), workflow.called())
    check("lookat" in read_text("summary.md"), "the summary has the table")


def test_github_pull_request():
    workflow = Workflow()
    codes = workflow.run("pull_request")
    check(any("in turn" in name for name in codes), f"without a base pairs decide: {codes}")
    check(workflow.called().count("setup") == 2, "both programs are built")
    check("gh pr comment https://example.org/pull/1" in workflow.called(), workflow.called())
    check("### kvroof" in read_text("job/comment.md"), "and there is text for it")
    workflow.run("push")
    workflow.run("pull_request")
    check(workflow.values["steps.gate.outputs.code"] in ("0", "1", "4"), "the gate has decided")
    check(read_text("job/compare.md").strip() not in ("", "no base of this kind of runner"),
          "compare says why")


# ---- GitLab ----

def gitlab(clone, codes=(0,), **env):
    """The job's lines in one shell, as GitLab runs them."""
    job = recipe("gitlab-ci.yml")["kvroof"]
    check(set(job["artifacts"]["reports"]) == {"junit", "metrics"}, "its reports")
    clone.checkout()
    if os.path.isdir("bases"):
        shutil.copytree("bases", "job/bases")
    given = dict(job["variables"], KVROOF_RUN=small(), KVROOF_PAIRS=PAIRS, CI_COMMIT_SHA=clone.sha,
                 CI_DEFAULT_BRANCH="main", CI_PROJECT_ID="7", CI_MERGE_REQUEST_IID="8",
                 CI_API_V4_URL="https://example.org/api/v4",
                 CI_MERGE_REQUEST_DIFF_BASE_SHA=clone.sha, **env)
    code = clone.shell("\n".join(job["before_script"] + job["script"]), codes, **given)
    for path in (*job["cache"]["paths"],):
        if os.path.isdir(os.path.join("job", path)):
            shutil.copytree(os.path.join("job", path), path, dirs_exist_ok=True)
    for path in job["artifacts"]["reports"].values():
        check(os.path.getsize(os.path.join("job", path)) > 100, f"no report {path}")
    return code


def test_gitlab_default_branch():
    clone = Clone()
    gitlab(clone, CI_COMMIT_BRANCH="main")
    check(os.listdir("bases") == [run("doctor", "--fingerprint").out.strip() + ".json"],
          f"the base of this kind of runner: {os.listdir('bases')}")
    check("curl" not in clone.called().replace("ca-certificates curl", ""), clone.called())


def test_gitlab_merge_request():
    clone = Clone()
    gitlab(clone, (0, 1, 4), CI_COMMIT_BRANCH="", KVROOF_COMMENT_TOKEN="secret")
    check(clone.called().count("setup") == 2, "without a base both programs are built")
    check("merge_requests/8/notes" in clone.called(), "a note is written")
    check("### kvroof" in read_text("job/comment.md"), "and there is text for it")
    gitlab(clone, CI_COMMIT_BRANCH="main")
    before = clone.called().count("merge_requests")
    gitlab(clone, (0, 1, 4), CI_COMMIT_BRANCH="")
    check(read_text("job/compare.md").strip() not in ("", "no base of this kind of runner"),
          "compare says why")
    check(clone.called().count("merge_requests") == before, "without a token there is no note")


harness.main(globals())
