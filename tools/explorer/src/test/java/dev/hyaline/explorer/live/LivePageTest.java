package dev.hyaline.explorer.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.Browser;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.EditedModel;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The live page in Chromium. With {@code -Dscreenshots=FOLDER} it leaves pictures there. */
@ResourceLock(Browser.LOCK)
final class LivePageTest {
    private static final String FACTOR = ".edit-list input[type=range]";

    private static LiveFable fable;
    private static Browser browser;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        browser = Browser.shared();
        fable = LiveFable.start();
    }

    @AfterAll
    static void stop() {
        if (fable != null) {
            fable.close();
        }
    }

    @AfterEach
    void thePageIsQuietAndStaysHere() {
        assertThat(browser.complaints()).isEmpty();
        String origin = fable.server().address().toString().split("#", 2)[0];
        assertThat(browser.requests()).isNotEmpty().allMatch(address -> address.startsWith(origin));
    }

    /** Opens the page at a view's address, as the printed address does for the first view. */
    private static void open(String view) throws InterruptedException {
        browser.open(fable.server().address() + (view.isEmpty() ? "" : "&" + view));
        browser.await("document.querySelector('.tabs [aria-selected=true]')");
        if (view.startsWith("run")) {
            browser.await("document.querySelector('.results [data-run]')");
        }
    }

    private static String edits(String list) {
        return "run/edits=" + URLEncoder.encode(list, StandardCharsets.UTF_8);
    }

    private static void answered() throws InterruptedException {
        browser.await("document.querySelector('.results').dataset.milliseconds"
                + " && !document.querySelector('.results[aria-busy]')");
    }

    private static float[] logits(Interventions edits) {
        int[] tokens = fable.encoder().prompt(LiveFable.PROMPT);
        return EditedModel.of(fable.model(), edits)
                .forward(Prompts.of(fable.model().config(), tokens), LogitSelection.last())
                .logits();
    }

    /** Tokens and logits of a table of the page, as the page has them. */
    private static void assertShows(String run, float[] logits) throws InterruptedException {
        String shown = browser.evaluate("[...document.querySelectorAll('[data-run=" + Browser.quoted(run)
                + "] tbody tr')].map(r => r.dataset.token + ' ' + r.lastElementChild.dataset.value).join()");
        List<NextToken> likeliest = NextToken.likeliest(logits, 10);
        assertThat(shown.split(",", -1))
                .containsExactly(likeliest.stream()
                        .map(token -> token.token() + " " + script(logits[token.token()]))
                        .toArray(String[]::new));
    }

    /** A float as JavaScript writes it, whose numbers are doubles. */
    private static String script(float value) throws AssertionError {
        try {
            return browser.evaluate(
                    "String(new Float32Array(new Int32Array([" + Float.floatToRawIntBits(value) + "]).buffer)[0])");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void theSecretLeavesTheAddressAndIsNeeded() throws InterruptedException {
        open("run");
        assertThat(browser.evaluate("location.href")).doesNotContain("token");
        assertThat(browser.evaluate("document.title")).isEqualTo("Hyaline");
        assertThat(browser.evaluate("document.querySelector('#prompt').value")).isEqualTo(LiveFable.PROMPT);
        assertThat(browser.evaluate("fetch('/api/1/model').then(answer => answer.status)"))
                .isEqualTo("401");
        // Chromium tells of the 401, which was asked for.
        open("run");
    }

    @Test
    void aRunEditedInThePageIsTheLibrarys() throws InterruptedException {
        open(edits("[{\"do\": \"zero\", \"site\": \"attn.hook_z\", \"layers\": \"2\", \"heads\": \"1,5\"}]"));
        answered();
        Interventions zero =
                Interventions.of(Intervention.zero(Target.of(Site.Z, 2).heads(1, 5)));
        assertShows("Base run", logits(Interventions.of()));
        assertShows("Edited", logits(zero));
        double[] p = new Logits(new int[] {0}, logits(Interventions.of())).logProbabilities();
        double[] q = new Logits(new int[] {0}, logits(zero)).logProbabilities();
        double divergence = 0;
        for (int i = 0; i < p.length; i++) {
            divergence += Math.exp(p[i]) * (p[i] - q[i]);
        }
        assertThat(Double.parseDouble(
                        browser.evaluate("document.querySelector('[data-what=divergence]').dataset.value")))
                .isEqualTo(divergence);
        assertThat(browser.evaluate("document.querySelectorAll('[data-grid=positions] tbody tr').length"))
                .isEqualTo(String.valueOf(fable.encoder().prompt(LiveFable.PROMPT).length));
    }

    @Test
    void aSliderAnswersWhileItMoves() throws InterruptedException {
        open(edits("[{\"do\": \"scale\", \"site\": \"attn.hook_z\", \"layers\": \"1\", \"heads\": \"3\","
                + " \"factor\": 0.5}]"));
        answered();
        browser.evaluate("document.querySelector('" + FACTOR + "').focus()");
        browser.press("ArrowRight");
        browser.press("ArrowRight");
        browser.await("document.querySelector('.edit-list input[type=number]').value === '0.6'");
        browser.await("decodeURIComponent(location.hash).includes('\"factor\":0.6')");
        answered();
        assertShows(
                "Edited",
                logits(Interventions.of(Intervention.scale(Target.of(Site.Z, 1).heads(3), 0.6f))));
        assertThat(browser.evaluate("document.querySelector('.edits textarea').value"))
                .contains("\"factor\": 0.6");
    }

    @Test
    void pickedHeadsAreAblatedAndOneCanAddAndRemove() throws InterruptedException {
        open("run/zero=0.1,3.2");
        answered();
        assertShows(
                "Edited",
                logits(Interventions.of(
                        Intervention.zero(Target.of(Site.Z, 0).heads(1)),
                        Intervention.zero(Target.of(Site.Z, 3).heads(2)))));
        browser.evaluate("document.querySelector('[aria-label=\"Remove edit 0\"]').click()");
        browser.await("document.querySelectorAll('.edit-list li').length === 1");
        browser.evaluate("document.querySelector('[aria-label=\"Remove edit 0\"]').click()");
        browser.await("document.querySelectorAll('.edit-list li').length === 0");
        answered();
        assertThat(browser.evaluate("document.querySelector('[data-grid=patterns]')"))
                .isEqualTo("null");
        assertShows("Edited", logits(Interventions.of()));
    }

    @Test
    void jsonCanBeTypedAndMistakesAreSaid() throws InterruptedException {
        open("run/zero=0.1");
        answered();
        type(
                ".edits textarea",
                "{\"format\": \"hyaline-interventions/1\", \"interventions\": [{\"do\": \"set\", \"site\":"
                        + " \"blocks.1.hook_mlp_out\", \"positions\": \"-1\", \"value\": 0.25}]}");
        browser.await("document.querySelector('.edit-list input[type=number]').value === '0.25'");
        answered();
        type(
                ".edits textarea",
                "{\"format\": \"hyaline-interventions/1\", \"interventions\": [{\"do\": \"zero\", \"site\":"
                        + " \"nonsense\"}]}");
        browser.await(
                "document.querySelector('.edits [role=alert]').textContent.includes('unknown hook point nonsense')");
        // Chromium tells of the 400.
        assertThat(browser.complaints()).hasSize(1).first().asString().contains("400");
        open("run");
    }

    @Test
    void whatIsNoListOfEditsIsSaidInASentence() throws InterruptedException {
        open("run/zero=0.1");
        answered();
        for (String[] mistake :
                new String[][] {{"{", "The edits are not JSON: "}, {"[3]", "The edits are a list of"}}) {
            type(".edits textarea", mistake[0]);
            browser.await("document.querySelector('.edits [role=alert]').textContent.startsWith("
                    + Browser.quoted(mistake[1]) + ")");
        }
    }

    @Test
    void editsActInTheirOrderWhereOneTicksSo() throws InterruptedException {
        open(edits("[{\"do\": \"scale\", \"site\": \"attn.hook_z\", \"layers\": \"1\", \"heads\": \"3\","
                        + " \"factor\": 2}, {\"do\": \"scale\", \"site\": \"attn.hook_z\", \"layers\": \"1\","
                        + " \"heads\": \"3\", \"factor\": 0.75}]")
                + "&order=1");
        answered();
        assertShows(
                "Edited",
                logits(Interventions.of(Intervention.scale(Target.of(Site.Z, 1).heads(3), 1.5f))));
        browser.evaluate("document.querySelector('[aria-label=\"Move edit 1 up\"]').click()");
        browser.await("document.querySelector('.edit-list input[type=number]').value === '0.75'");
        answered();
        assertThat(browser.evaluate("location.hash")).contains("order=1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"tokens", "heads", "lens", "generation"})
    void everyViewOfAPromptIsDrawnLive(String view) throws IOException, InterruptedException {
        browser.show(1200, 900, "light", "screen");
        open(view);
        browser.await("document.querySelector('#" + view + " .view-body')?.childElementCount"
                + " && !document.querySelector('#" + view + " [aria-busy]')");
        assertThat(browser.evaluate("document.querySelector('.tabs [aria-selected=true]').id"))
                .isEqualTo("tab-" + view);
        assertThat(browser.evaluate("document.querySelector('#" + view + " [role=alert]:not([hidden])')"))
                .isEqualTo("null");
        keep("live-" + view + ".png");
    }

    @Test
    void headsPickedInTheGridAreAblated() throws InterruptedException {
        open("heads/pick=1.2,3.0");
        String button = "[...document.querySelectorAll('#heads button')]"
                + ".find(b => b.textContent === 'Ablate them at once')";
        browser.await(button + " !== undefined");
        browser.evaluate(button + ".click()");
        browser.await("document.querySelector('.results [data-run]')");
        answered();
        assertShows(
                "Edited",
                logits(Interventions.of(
                        Intervention.zero(Target.of(Site.Z, 1).heads(2)),
                        Intervention.zero(Target.of(Site.Z, 3).heads(0)))));
    }

    private static void type(String selector, String text) throws InterruptedException {
        browser.evaluate("(() => { const e = document.querySelector(" + Browser.quoted(selector) + "); e.value = "
                + Browser.quoted(text) + "; e.dispatchEvent(new Event('change', {bubbles: true})); })()");
    }

    @Test
    void valuesOfAnotherPromptArePatchedIn() throws InterruptedException {
        String source = "When Mary and John went to the store, Mary gave a drink to";
        open(edits("[{\"do\": \"patch\", \"site\": \"hook_resid_pre\", \"layers\": \"2\", \"source\": \"source\","
                        + " \"sequence\": 0}]")
                + "&source=" + URLEncoder.encode(source, StandardCharsets.UTF_8));
        answered();
        int[] other = fable.encoder().prompt(source);
        // All of the stream is the source's, and so is what follows.
        assertShows(
                "Edited",
                EditedModel.of(fable.model(), Interventions.of())
                        .forward(Prompts.of(fable.model().config(), other), LogitSelection.last())
                        .logits());
    }

    @Test
    void anotherPromptIsRunByTheForm() throws InterruptedException {
        open("run");
        browser.evaluate("document.querySelector('#prompt').value = 'Once upon a time'");
        browser.evaluate("document.querySelector('.prompt-bar button').click()");
        browser.await("document.querySelector('.origin').textContent.includes('Once upon a time')");
        assertThat(browser.evaluate("sessionStorage.getItem('hyaline-prompt')")).isEqualTo("Once upon a time");
        browser.evaluate("sessionStorage.removeItem('hyaline-prompt')");
    }

    /** Opens a view of a prompt of more tokens than a page asks for at once; returns them. */
    private static int[] openLong(String view) throws InterruptedException {
        String text = "The dog ran to the park and the cat sat on the mat. ".repeat(7);
        int[] tokens = fable.encoder().prompt(text);
        assertThat(tokens.length).isBetween(97, fable.model().config().nCtx());
        open(view);
        browser.evaluate("document.querySelector('#prompt').value = " + Browser.quoted(text));
        browser.evaluate("document.querySelector('.prompt-bar button').click()");
        browser.await("document.querySelector('.origin')?.textContent.includes('" + tokens.length + " tokens')");
        browser.evaluate("sessionStorage.removeItem('hyaline-prompt')");
        return tokens;
    }

    @Test
    void ofALongPromptTheShownLayerComesFirst() throws InterruptedException {
        int[] tokens = openLong("tokens/l=1&h=2&q=70");
        ActivationCache cache = ActivationCache.record(
                fable.model(),
                Prompts.of(fable.model().config(), tokens),
                Capture.of(fable.model().config(), "pattern"));
        assertLooks(cache, 1, 2, tokens.length);
        // By then the other layers are there, or the page says that they are not and shows them when they are.
        browser.evaluate("location.hash = '#tokens/l=3&h=5&q=70'");
        browser.await("document.querySelector('.attention-panel').dataset.head === '3.5'"
                + " && document.querySelector('.attention-panel [data-position=\"0\"]').dataset.value !== 'NaN'");
        assertLooks(cache, 3, 5, tokens.length);
        assertThat(browser.evaluate("document.querySelector('#tokens .note').textContent"))
                .startsWith("Where token 70");
    }

    private static void assertLooks(ActivationCache cache, int layer, int head, int n) throws InterruptedException {
        browser.await("document.querySelector('.attention-panel')?.dataset.head === '" + layer + "." + head + "'");
        float[] pattern = cache.values(HookPoint.of(Site.PATTERN, layer), 0);
        String[] shown = browser.evaluate("[...document.querySelectorAll('.attention-panel [data-position]')]"
                        + ".map(cell => cell.dataset.value).join()")
                .split(",", -1);
        for (int key = 0; key <= 70; key++) {
            assertThat((float) Double.parseDouble(shown[key])).isEqualTo(pattern[(head * n + 70) * n + key]);
        }
    }

    @Test
    void ofALongPromptTheShownPositionsOfTheLensAreRead() throws InterruptedException {
        int[] tokens = openLong("lens/from=3");
        List<List<List<NextToken>>> expected = LogitLens.of(fable.model()).likeliest(tokens, 1);
        assertReads(expected, 3);
        browser.evaluate(
                "(window.saved = new Promise(done => URL.createObjectURL = blob => done(blob.text()) || '#'), 1)");
        browser.click("#lens button.csv");
        List<String> wanted = new ArrayList<>();
        for (List<List<NextToken>> place : expected) {
            for (int position = 0; position < tokens.length; position++) {
                wanted.add(position + ",1," + place.get(position).getFirst().token());
            }
        }
        assertThat(Pattern.compile("(?m)^\\w+,(\\d+,1,\\d+),")
                        .matcher(browser.evaluate("window.saved"))
                        .results()
                        .map(row -> row.group(1)))
                .containsExactlyElementsOf(wanted);
        browser.evaluate("document.querySelector('[aria-label=\"Later positions\"]').click()");
        browser.await("document.querySelector('.lens thead .position').textContent === '43'");
        assertReads(expected, 43);
        browser.evaluate("location.hash = '#lens/from=43&colour=entropy'");
        browser.await("document.querySelector('#lens').textContent.includes('scaled to positions 43 to 82')");
        browser.evaluate("location.hash = '#lens/from=43'");
        browser.evaluate("document.querySelector('[aria-label=\"Later positions\"]').click()");
        browser.await("document.querySelector('.lens thead .position').textContent === '83'");
        assertReads(expected, 83);
    }

    private static void assertReads(List<List<List<NextToken>>> expected, int first) throws InterruptedException {
        browser.await("document.querySelector('.lens td[data-row]')");
        int places = expected.size();
        int count = Math.min(40, expected.getFirst().size() - first);
        StringBuilder wanted = new StringBuilder();
        for (int row = 0; row < places; row++) {
            for (int column = 0; column < count; column++) {
                wanted.append(wanted.isEmpty() ? "" : ",")
                        .append(expected.get(places - 1 - row)
                                .get(first + column)
                                .getFirst()
                                .token());
            }
        }
        assertThat(browser.evaluate(
                        "[...document.querySelectorAll('.lens td[data-row]')].map(c => c.dataset.token).join()"))
                .isEqualTo(wanted.toString());
    }

    @Test
    void eachHeadIsAblatedWhenAskedForWhereItTakesLong() throws InterruptedException {
        int[] tokens = openLong("heads");
        String start = "[...document.querySelectorAll('#heads button')].find(b => b.textContent.startsWith('Measure'))";
        browser.await(start + " !== undefined && document.querySelector('.head-cell')");
        browser.evaluate(start + ".click()");
        browser.await(start + " === undefined");
        Interventions without =
                Interventions.of(Intervention.zero(Target.of(Site.Z, 2).heads(4)));
        Prompts prompts = Prompts.of(fable.model().config(), tokens);
        float[] base = EditedModel.of(fable.model(), Interventions.of())
                .forward(prompts, LogitSelection.last())
                .logits();
        float[] edited = EditedModel.of(fable.model(), without)
                .forward(prompts, LogitSelection.last())
                .logits();
        int answer = NextToken.likeliest(base, 1).getFirst().token();
        assertThat(Double.parseDouble(
                        browser.evaluate("document.querySelector('.head-cell[data-head=\"2.4\"]').dataset.value")))
                .isEqualTo(NextToken.logProbabilities(edited)[answer] - NextToken.logProbabilities(base)[answer]);
        String value = browser.evaluate("document.querySelector('.head-cell[data-head=\"2.4\"]').dataset.value");
        browser.evaluate("location.hash = '#tokens'");
        browser.await("document.querySelector('.tabs [aria-selected=true]').id === 'tab-tokens'"
                + " && !document.querySelector('main [aria-busy]')");
        browser.evaluate("location.hash = '#heads'");
        browser.await("document.querySelector('.tabs [aria-selected=true]').id === 'tab-heads'"
                + " && !document.querySelector('#heads[aria-busy]') && " + start + " === undefined");
        assertThat(browser.evaluate("document.querySelector('.head-cell[data-head=\"2.4\"]').dataset.value"))
                .isEqualTo(value);
    }

    private static void keep(String name) throws IOException, InterruptedException {
        String kept = System.getProperty("screenshots");
        if (kept != null) {
            Files.write(Path.of(kept).resolve(name), browser.screenshot());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"light", "dark"})
    void aPictureOfTheEditedRun(String scheme) throws IOException, InterruptedException {
        browser.show(1200, 900, scheme, "screen");
        open(edits(
                "[{\"do\": \"scale\", \"site\": \"attn.hook_z\", \"layers\": \"1\", \"heads\": \"3\", \"factor\": -1},"
                        + " {\"do\": \"zero\", \"site\": \"attn.hook_z\", \"layers\": \"2\", \"heads\": \"0\"}]"));
        answered();
        keep("run-" + scheme + ".png");
        assertThat(browser.evaluate("document.documentElement.scrollWidth")).isEqualTo("1200");
        assertThat(Arrays.asList(browser.evaluate("[...document.querySelectorAll('input, select, textarea, button')]"
                                + ".filter(e => !e.labels?.length && !e.ariaLabel && !e.textContent.trim()).length")
                        .split(",", -1)))
                .containsExactly("0");
    }
}
