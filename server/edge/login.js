// Spends the code of a link, which stands behind `#` in the address, and goes where the link was to lead.

const words = {
  en: {
    signing: "Signing in…",
    none: "To sign in, open the link that you were given. Whoever runs this server makes one with: parley login",
    other: (who) => `You are signed in as ${who}. This link may be somebody else's.`,
    use: "Sign in with the link",
    stay: (who) => `Stay ${who}`,
    in: (who) => `You are signed in as ${who}.`,
    go: "Go on",
    out: "Sign out",
    away: "The server did not answer.",
    again: "Try again",
  },
  zh: {
    signing: "正在登录…",
    none: "请打开您收到的登录链接。服务器的管理者可以用 parley login 生成一个。",
    other: (who) => `您已以 ${who} 的身份登录。此链接可能属于他人。`,
    use: "用此链接登录",
    stay: (who) => `继续使用 ${who}`,
    in: (who) => `您已以 ${who} 的身份登录。`,
    go: "继续",
    out: "退出登录",
    away: "服务器没有响应。",
    again: "重试",
  },
};
const t = navigator.language.toLowerCase().startsWith("zh") ? words.zh : words.en;
if (t === words.zh) document.documentElement.lang = "zh";

const code = location.hash.slice(1);
const target = location.pathname.startsWith("/console") ? "/console" : "/";
// Neither history nor a bookmark keeps it.
history.replaceState(null, "", location.pathname);

const say = (text, ...choices) => {
  document.getElementById("said").textContent = text;
  document.getElementById("choices").replaceChildren(
    ...choices.map(([label, act], number) => {
      const button = document.createElement("button");
      button.textContent = label;
      button.className = number === 0 ? "first" : "";
      button.addEventListener("click", act);
      return button;
    }),
  );
  document.querySelector("button.first")?.focus();
};

const ask = (method, body) =>
  fetch("/session", {
    method,
    headers: { "content-type": "application/json", "x-parley": "1" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const go = () => location.replace(target);

const signIn = async () => {
  say(t.signing);
  const answer = await ask("POST", { code });
  if (answer.ok) go();
  else say((await answer.json()).error.message);
};

const signOut = async () => {
  await ask("DELETE");
  say(t.none);
};

const begin = async () => {
  const known = await ask("GET");
  const who = known.ok ? (await known.json()).user : "";
  // A link that somebody else sent must not quietly put their account in the place of one's own.
  if (code && who) say(t.other(who), [t.use, trying(signIn)], [t.stay(who), go]);
  else if (code) await signIn();
  else if (who) say(t.in(who), [t.go, go], [t.out, trying(signOut)]);
  else say(t.none);
};

const trying = (act) => async () => {
  try {
    await act();
  } catch {
    say(t.away, [t.again, trying(act)]);
  }
};

await trying(begin)();
