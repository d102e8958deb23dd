package dev.hyaline.explorer;

import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Debian's Chromium without a window, spoken to by its DevTools protocol. It reaches this machine alone. It has one
 * tab, whose console, errors and requests it keeps.
 */
public final class Browser implements AutoCloseable {
    private static final List<Path> PLACES =
            List.of(Path.of("/usr/bin/chromium"), Path.of("/usr/bin/chromium-browser"));
    /** The resource that tests lock which use the shared browser: it has one tab. */
    public static final String LOCK = "dev.hyaline.explorer.Browser";

    /** Elements whose text has less than the contrast that WCAG AA asks for, with it. */
    public static final String PALE_TEXTS = """
        (() => {
          const rgb = c => c.match(/[\\d.]+/g).map(Number);
          const channel = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
          const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
          const behind = e => {
            for (; e; e = e.parentElement) {
              const c = rgb(getComputedStyle(e).backgroundColor);
              if (c.length < 4 || c[3] > 0) return c;
            }
            return [255, 255, 255];
          };
          const pale = [];
          for (const e of document.body.querySelectorAll('*')) {
            const svg = e.namespaceURI.endsWith('svg');
            if (svg && e.localName !== 'text' || e.closest('.skip')) continue;
            if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
            const style = getComputedStyle(e);
            const before = e.previousElementSibling;
            // The figure of a heat map's cell follows the cell.
            const cell = svg && before?.localName === 'rect' && before.querySelector('title')
              && before.width.baseVal.value > 12;
            const ground = cell ? rgb(getComputedStyle(before).fill) : behind(e);
            const a = light(rgb(svg ? style.fill : style.color)), b = light(ground);
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < 4.5) pale.push(e.textContent.trim().slice(0, 30) + ' ' + contrast.toFixed(2));
          }
          return pale.join('; ');
        })()\
        """;

    /** What is cut off or scrolls sideways and cannot be reached by the keyboard. */
    public static final String UNREACHABLE = """
        [...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1
          && getComputedStyle(e).overflowX === 'auto' && e.tabIndex < 0).map(e => e.className || e.localName)\
        """;

    private static final int SECONDS = 30;
    private static final int ALT = 1;
    private static final int CONTROL = 2;
    private static final Map<String, Integer> KEY_CODES = Map.ofEntries(
            Map.entry("Tab", 9),
            Map.entry("Enter", 13),
            Map.entry("Alt", 18),
            Map.entry("Escape", 27),
            Map.entry(" ", 32),
            Map.entry("PageUp", 33),
            Map.entry("PageDown", 34),
            Map.entry("End", 35),
            Map.entry("Home", 36),
            Map.entry("ArrowLeft", 37),
            Map.entry("ArrowUp", 38),
            Map.entry("ArrowRight", 39),
            Map.entry("ArrowDown", 40));

    private static @Nullable Browser shared;

    private final Process process;
    private final Path profile;
    private final WebSocket socket;
    private final BlockingQueue<Json> answers = new LinkedBlockingQueue<>();
    private final List<String> complaints = new ArrayList<>();
    private final List<String> requests = new ArrayList<>();
    private final StringBuilder message = new StringBuilder();
    private int calls;
    private String session = "";

    private Browser(Process process, Path profile, URI address) {
        this.process = process;
        this.profile = profile;
        socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(address, new WebSocket.Listener() {
                    @Override
                    public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
                        hear(text, last);
                        from.request(1);
                        return null;
                    }
                })
                .join();
    }

    /** The browser of all tests, which is started when it is first asked for and ends with them. */
    public static synchronized Browser shared() throws IOException, InterruptedException {
        if (shared == null) {
            Browser started = start();
            shared = started;
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    started.close();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }));
        }
        return shared;
    }

    public static boolean isThere() {
        return PLACES.stream().anyMatch(Files::isExecutable);
    }

    private static Browser start() throws IOException, InterruptedException {
        Path program = PLACES.stream().filter(Files::isExecutable).findFirst().orElseThrow();
        Path profile = Files.createTempDirectory("hyaline-chromium");
        Process process = new ProcessBuilder(
                        program.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-extensions",
                        "--disable-background-networking",
                        "--hide-scrollbars",
                        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                        "--user-data-dir=" + profile,
                        "--remote-debugging-port=0",
                        "about:blank")
                .redirectErrorStream(true)
                .start();
        BufferedReader said = process.inputReader();
        String line = said.readLine();
        while (line != null && !line.startsWith("DevTools listening on ")) {
            line = said.readLine();
        }
        if (line == null) {
            throw new IOException("Chromium did not start");
        }
        // It says more on and on, and must not wait for a reader.
        Thread.ofVirtual().start(() -> said.lines().forEach(more -> {}));
        Browser browser = new Browser(process, profile, URI.create(line.substring(line.indexOf("ws://"))));
        browser.openTab();
        return browser;
    }

    private void openTab() throws InterruptedException {
        String target = call("Target.createTarget", json -> json.writeStringProperty("url", "about:blank"))
                .require("targetId")
                .string();
        session = call("Target.attachToTarget", json -> {
                    json.writeStringProperty("targetId", target);
                    json.writeBooleanProperty("flatten", true);
                })
                .require("sessionId")
                .string();
        for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
            call(domain + ".enable", json -> {});
        }
    }

    private void hear(CharSequence text, boolean last) {
        message.append(text);
        if (!last) {
            return;
        }
        Json heard = Json.readObject(
                InputErrors.INSTANCE, "DevTools", message.toString().getBytes(StandardCharsets.UTF_8));
        message.setLength(0);
        String method = heard.get("method").map(Json::string).orElse("");
        switch (method) {
            case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded" ->
                complaints.add(heard.require("params").toString());
            case "Network.requestWillBeSent" -> {
                String asked = heard.require("params")
                        .require("request")
                        .require("url")
                        .string();
                if (!asked.startsWith("data:")) {
                    requests.add(asked);
                }
            }
            default -> {
                if (method.isEmpty() || method.equals("Page.loadEventFired")) {
                    answers.add(heard);
                }
            }
        }
    }

    private Json call(String method, Consumer<JsonGenerator> parameters) throws InterruptedException {
        int id = ++calls;
        byte[] request = JsonText.compact(json -> {
            json.writeStartObject();
            json.writeNumberProperty("id", id);
            json.writeStringProperty("method", method);
            if (!session.isEmpty()) {
                json.writeStringProperty("sessionId", session);
            }
            json.writeObjectPropertyStart("params");
            parameters.accept(json);
            json.writeEndObject();
            json.writeEndObject();
        });
        socket.sendText(new String(request, StandardCharsets.UTF_8), true).join();
        while (true) {
            Json answer = next();
            if (answer.get("id").filter(of -> of.isWhole(id, id)).isPresent()) {
                return answer.get("result").orElseThrow(() -> new AssertionError(method + ": " + answer));
            }
        }
    }

    private Json next() throws InterruptedException {
        Json answer = answers.poll(SECONDS, TimeUnit.SECONDS);
        if (answer == null) {
            throw new AssertionError("Chromium said nothing for " + SECONDS + " s");
        }
        return answer;
    }

    /** Opens a file, and waits until it is loaded. */
    public void open(Path file) throws InterruptedException {
        open(file.toUri().toString());
    }

    /** Opens an address, and waits until it is loaded. */
    public void open(String address) throws InterruptedException {
        complaints.clear();
        requests.clear();
        answers.clear();
        // An address that differs by its fragment alone would not be loaded anew.
        call("Page.navigate", json -> json.writeStringProperty("url", "about:blank"));
        requests.clear();
        call("Page.navigate", json -> json.writeStringProperty("url", address));
        // The event may have come before the answer: the page says itself whether it is loaded.
        while (!evaluate("document.readyState").equals("complete")) {
            Thread.sleep(20);
        }
    }

    /** Sets the width in CSS pixels, the colour scheme and the medium. */
    public void show(int width, int height, String scheme, String medium) throws InterruptedException {
        call("Emulation.setDeviceMetricsOverride", json -> {
            json.writeNumberProperty("width", width);
            json.writeNumberProperty("height", height);
            json.writeNumberProperty("deviceScaleFactor", 1);
            json.writeBooleanProperty("mobile", false);
        });
        call("Emulation.setEmulatedMedia", json -> {
            json.writeStringProperty("media", medium);
            json.writeArrayPropertyStart("features");
            json.writeStartObject();
            json.writeStringProperty("name", "prefers-color-scheme");
            json.writeStringProperty("value", scheme);
            json.writeEndObject();
            json.writeEndArray();
        });
    }

    /** The value of an expression, or of its promise, as text. */
    public String evaluate(String expression) throws InterruptedException {
        Json result = call("Runtime.evaluate", json -> {
            json.writeStringProperty("expression", "(async () => String(await (" + expression + ")))()");
            json.writeBooleanProperty("returnByValue", true);
            json.writeBooleanProperty("awaitPromise", true);
        });
        return result.require("result")
                .get("value")
                .map(Json::string)
                .orElseThrow(() -> new AssertionError(expression + ": " + result));
    }

    /** Waits until an expression is true. */
    public void await(String expression) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (!evaluate("Boolean(" + expression + ")").equals("true")) {
            if (System.nanoTime() > end) {
                throw new AssertionError(
                        "not true within " + SECONDS + " s: " + expression + "; the page said " + complaints);
            }
            Thread.sleep(20);
        }
    }

    /** Presses and releases a key such as {@code ArrowDown}, {@code Enter} or {@code ?}. */
    public void press(String key) throws InterruptedException {
        press(key, 0);
    }

    /** Presses and releases a key with Control. */
    public void pressWithControl(String key) throws InterruptedException {
        press(key, CONTROL);
    }

    private void press(String key, int modifiers) throws InterruptedException {
        keyEvent("keyDown", key, modifiers);
        keyEvent("keyUp", key, modifiers);
    }

    /** Presses a key and keeps it down. */
    public void hold(String key) throws InterruptedException {
        keyEvent("keyDown", key, key.equals("Alt") ? ALT : 0);
    }

    /** Releases a key. */
    public void release(String key) throws InterruptedException {
        keyEvent("keyUp", key, 0);
    }

    private void keyEvent(String type, String key, int modifiers) throws InterruptedException {
        call("Input.dispatchKeyEvent", json -> {
            json.writeStringProperty("type", type);
            json.writeStringProperty("key", key);
            json.writeNumberProperty("modifiers", modifiers);
            if (type.equals("keyDown") && (key.length() == 1 || key.equals("Enter"))) {
                json.writeStringProperty("text", key.equals("Enter") ? "\r" : key);
            }
            Integer code = KEY_CODES.get(key);
            if (code != null) {
                json.writeNumberProperty("windowsVirtualKeyCode", code);
            }
        });
    }

    /** Moves the pointer to the middle of the first element that a selector finds. */
    public void hover(String selector) throws InterruptedException {
        mouse("mouseMoved", middle(selector));
    }

    /** Clicks the first element that a selector finds. */
    public void click(String selector) throws InterruptedException {
        double[] at = middle(selector);
        mouse("mouseMoved", at);
        mouse("mousePressed", at);
        mouse("mouseReleased", at);
    }

    private double[] middle(String selector) throws InterruptedException {
        String at = evaluate("(() => { const e = document.querySelector(" + quoted(selector) + ");"
                + " e.scrollIntoView({block: 'nearest', inline: 'nearest'}); const r = e.getBoundingClientRect();"
                + " return (r.left + r.width / 2) + ' ' + (r.top + r.height / 2); })()");
        return Stream.of(at.split(" ", 2)).mapToDouble(Double::parseDouble).toArray();
    }

    /** Text as a JavaScript string. */
    public static String quoted(String text) {
        return new String(JsonText.compact(json -> json.writeString(text)), StandardCharsets.UTF_8);
    }

    private void mouse(String type, double[] at) throws InterruptedException {
        call("Input.dispatchMouseEvent", json -> {
            json.writeStringProperty("type", type);
            json.writeNumberProperty("x", at[0]);
            json.writeNumberProperty("y", at[1]);
            if (!type.equals("mouseMoved")) {
                json.writeStringProperty("button", "left");
                json.writeNumberProperty("clickCount", 1);
            }
        });
    }

    /** A picture of the whole page, PNG. */
    public byte[] screenshot() throws InterruptedException {
        Json result = call("Page.captureScreenshot", json -> json.writeBooleanProperty("captureBeyondViewport", true));
        return Base64.getDecoder().decode(result.require("data").string());
    }

    /** The page printed, PDF. */
    public byte[] print() throws InterruptedException {
        Json result = call("Page.printToPDF", json -> {});
        return Base64.getDecoder().decode(result.require("data").string());
    }

    /** What the page wrote to the console, and errors, since it was opened. */
    public List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** The addresses that were asked for since the page was opened, but for those that hold their own data. */
    public List<String> requests() {
        return List.copyOf(requests);
    }

    @Override
    public void close() throws IOException {
        socket.abort();
        // Chromium's helpers outlive it for a moment, and go on writing into its profile.
        List<ProcessHandle> helpers = process.descendants().toList();
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (ProcessHandle helper : helpers) {
            helper.destroyForcibly();
            helper.onExit().join();
        }
        try (Stream<Path> files = Files.walk(profile)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
