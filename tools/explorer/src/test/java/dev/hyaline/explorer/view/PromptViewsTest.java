package dev.hyaline.explorer.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.analysis.attention.AttentionStatistics;
import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.Browser;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The views of a prompt on {@code fable}, in Debian's Chromium: what they show is what the library computes. */
@ResourceLock(Browser.LOCK)
final class PromptViewsTest {
    private static final String HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u2028</title></style>";
    private static final String TEXT = "When Mary and John went to the store, John gave a drink to";

    @TempDir
    private static Path folder;

    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static int[] tokens;
    private static Path file;
    private static Browser browser;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        checkpoint = Checkpoint.builtIn("fable");
        model = Gpt2.of(checkpoint.weights());
        tokens = checkpoint.tokenizer().encodePrompt(TEXT);
        browser = Browser.shared();
        file = Files.writeString(
                folder.resolve("prompt.html"),
                page(
                        TEXT,
                        id -> ViewToken.of(id, checkpoint.tokenizer().bytes(id).orElseThrow())));
    }

    @AfterAll
    static void close() {
        if (model != null) {
            model.close();
            checkpoint.close();
        }
    }

    @BeforeEach
    void show() throws InterruptedException {
        browser.show(1280, 900, "light", "screen");
    }

    private static PromptViews views(String text, IntFunction<ViewToken> vocabulary) {
        return PromptViews.of(model, "fable", text, tokens, vocabulary, "--prompt '" + text + "'");
    }

    private static String page(String text, IntFunction<ViewToken> vocabulary) {
        return Page.of(text, List.copyOf(views(text, vocabulary).all())).html();
    }

    private static void open(String fragment) throws InterruptedException {
        browser.open(file.toUri() + "#" + fragment);
        browser.await("document.querySelector('section:not([hidden]) .view-body > *')");
        assertThat(browser.complaints()).isEmpty();
    }

    private static void keep(String name) throws IOException, InterruptedException {
        String kept = System.getProperty("screenshots");
        if (kept != null) {
            Files.write(Path.of(kept).resolve(name + ".png"), browser.screenshot());
        }
    }

    private static String read(String expression) throws InterruptedException {
        return browser.evaluate(expression);
    }

    private static double number(String selector) throws InterruptedException {
        return Double.parseDouble(read("document.querySelector(" + Browser.quoted(selector) + ").dataset.value"));
    }

    private static ActivationCache recorded() {
        return ActivationCache.record(
                model, Prompts.of(model.config(), tokens), Capture.of(model.config(), "pattern", "attn_scores", "v"));
    }

    @Test
    void attentionIsTheLibrarysBitForBit() throws IOException, InterruptedException {
        ActivationCache cache = recorded();
        int n = tokens.length;
        float[] pattern = cache.values(HookPoint.of(Site.PATTERN, 2), 0);
        float[] scores = cache.values(HookPoint.of(Site.ATTN_SCORES, 2), 0);
        open("tokens/l=2&h=1&q=9");
        for (int key = 0; key <= 9; key++) {
            assertThat((float) number(token(key))).isEqualTo(pattern[n * n + 9 * n + key]);
        }
        assertThat(read("document.querySelector(" + Browser.quoted(token(10)) + ").dataset.value"))
                .isEqualTo("NaN");
        keep("tokens-light");
        open("tokens/l=2&h=1&q=9&to=1");
        for (int query = 9; query < n; query++) {
            assertThat((float) number(token(query))).isEqualTo(pattern[n * n + query * n + 9]);
        }
        open("tokens/l=2&h=1&q=9&kind=scores&with=0.3");
        for (int key = 0; key <= 9; key++) {
            assertThat((float) number(token(key))).isEqualTo(scores[n * n + 9 * n + key]);
        }
        browser.show(1280, 900, "dark", "screen");
        browser.await("getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'");
        keep("tokens-two-dark");
        open("tokens/l=2&h=1&q=9&kind=weighted");
        float[] v = cache.values(HookPoint.of(Site.V, 2), 0);
        int size = v.length / n / model.config().nHeads();
        for (int key = 0; key <= 9; key++) {
            double sum = 0;
            for (int i = 0; i < size; i++) {
                double value = v[(key * model.config().nHeads() + 1) * size + i];
                sum += value * value;
            }
            assertThat((float) number(token(key))).isEqualTo(pattern[n * n + 9 * n + key] * (float) Math.sqrt(sum));
        }
    }

    private static String token(int position) {
        return ".attention-panel [data-position='" + position + "']";
    }

    @Test
    void aTokenIsFollowedAndLockedByPointerAndKeyboard() throws InterruptedException {
        open("tokens/l=1&h=2");
        browser.hover(token(5));
        assertThat(read("document.querySelector('.note').textContent")).startsWith("Where token 5");
        assertThat(read("document.querySelector('.tip').textContent")).contains("from 5", "to 5");
        browser.hold("Alt");
        assertThat(read("document.querySelector('.note').textContent")).startsWith("Which tokens look at token 5");
        browser.release("Alt");
        browser.click(token(5));
        browser.hover(token(2));
        assertThat(read("document.querySelector('.note').textContent")).startsWith("Where token 5");
        assertThat(read("location.hash")).isEqualTo("#tokens/l=1&h=2&q=5");
        browser.click(token(5));
        read("document.querySelector(" + Browser.quoted(token(5)) + ").focus()");
        browser.press("ArrowRight");
        assertThat(read("document.querySelector('.note').textContent")).startsWith("Where token 6");
        browser.press("Enter");
        assertThat(read("location.hash")).isEqualTo("#tokens/l=1&h=2&q=6");
        assertThat(read("document.querySelector('[aria-pressed=true]').dataset.position"))
                .isEqualTo("6");
    }

    @Test
    void theHeadGridHasTheLibrarysNumbers() throws IOException, InterruptedException {
        Prompts prompts = Prompts.of(model.config(), tokens);
        ResultTable scores = HeadScores.measure(model, prompts);
        AttentionStatistics statistics = AttentionStatistics.measure(model, prompts, 0.1);
        int types = scores.axes().getFirst().size();
        for (String colour : List.of(scores.axes().getFirst().labels().get(types - 1), "entropy")) {
            open("heads/colour=" + colour);
            for (int layer = 0; layer < model.config().nLayers(); layer++) {
                for (int head = 0; head < model.config().nHeads(); head++) {
                    double expected = colour.equals("entropy")
                            ? statistics.entropy().meanAt(layer, head)
                            : scores.meanAt(types - 1, layer, head);
                    assertThat(number("[data-head='" + layer + "." + head + "']"))
                            .isEqualTo(expected);
                }
            }
        }
        open("heads");
        keep("heads-light");
        float[] base = model.logits(tokens);
        int dVocab = model.config().dVocab();
        NextToken top = NextToken.likeliest(last(base, dVocab), 1).getFirst();
        float[] ablated = EditedModel.of(
                        model,
                        Interventions.of(Intervention.zero(Target.of(Site.Z, 1).heads(3))))
                .forward(prompts, LogitSelection.last())
                .logits();
        double changed = NextToken.likeliest(ablated, dVocab).stream()
                .filter(next -> next.token() == top.token())
                .findFirst()
                .orElseThrow()
                .logProbability();
        assertThat(number("[data-head='1.3']")).isEqualTo(changed - top.logProbability());
        browser.show(1280, 900, "dark", "screen");
        keep("heads-dark");
    }

    private static float[] last(float[] logits, int dVocab) {
        return java.util.Arrays.copyOfRange(logits, logits.length - dVocab, logits.length);
    }

    @Test
    void headsAreSortedPickedAndOpened() throws InterruptedException {
        open("heads/sort=value&colour=entropy");
        List<Double> values = List.of(read("[...document.querySelectorAll('.head-cell')].map(c => c.dataset.value)")
                        .split(",", -1))
                .stream()
                .map(Double::valueOf)
                .toList();
        assertThat(values)
                .isSortedAccordingTo(java.util.Comparator.reverseOrder())
                .hasSize(32);
        read("document.querySelector('.head-cell[tabindex=\"0\"]').focus()");
        browser.press(" ");
        browser.press("ArrowRight");
        browser.press(" ");
        String picked =
                read("[...document.querySelectorAll('[aria-selected=true].head-cell')].map(c => c.dataset.head)");
        assertThat(picked.split(",", -1)).hasSize(2);
        assertThat(read("decodeURIComponent(location.hash)")).endsWith("pick=" + picked);
        assertThat(read("document.querySelector('.picked pre').textContent"))
                .contains("hyaline edit --prompt '" + TEXT);
        browser.press("Enter");
        browser.await("!document.getElementById('tokens').hidden");
        String second = picked.split(",", -1)[1];
        browser.await("document.querySelector('.attention-panel')?.dataset.head === '" + second + "'");
    }

    @Test
    void theLensHasTheLibrarysTokens() throws IOException, InterruptedException {
        List<List<List<NextToken>>> expected = LogitLens.of(model).likeliest(tokens, 10);
        open("lens");
        int places = expected.size();
        String seen = read("[...document.querySelectorAll('.lens td[data-row]')]"
                + ".map(c => c.dataset.token + ' ' + c.dataset.value).join()");
        StringBuilder wanted = new StringBuilder();
        for (int row = 0; row < places; row++) {
            for (int position = 0; position < tokens.length; position++) {
                NextToken token = expected.get(places - 1 - row).get(position).getFirst();
                wanted.append(wanted.isEmpty() ? "" : ",").append(token.token()).append(' ');
                wanted.append(read("String(Math.exp(" + token.logProbability() + "))"));
            }
        }
        assertThat(seen).isEqualTo(wanted.toString());
        browser.click(".lens td[data-row='0'][data-column='" + (tokens.length - 1) + "']");
        List<NextToken> likeliest = expected.get(places - 1).get(tokens.length - 1);
        assertThat(read("[...document.querySelectorAll('.detail-line [data-value]')].slice(0, 10).map(c =>"
                        + " c.dataset.value)"))
                .isEqualTo(String.join(
                        ",",
                        likeliest.stream().map(t -> script(t.logProbability())).toList()));
        keep("lens-light");
        browser.show(1280, 900, "dark", "screen");
        browser.await("getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'");
        open("lens/colour=rank");
        browser.hover(".lens td[data-row='2'][data-column='6']");
        keep("lens-rank-dark");
    }

    /** A number as a script writes it. */
    private static String script(double number) {
        try {
            return read("String(" + number + ")");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aContinuationHasTheModelsProbabilities() throws IOException, InterruptedException {
        open("generation");
        int[] generated =
                dev.hyaline.engine.Generator.of(model).maxNewTokens(20).generate(tokens);
        float[] logits = PromptViews.logits(model, tokens, generated);
        int dVocab = model.config().dVocab();
        assertThat(read("document.querySelectorAll('[data-step]').length")).isEqualTo(String.valueOf(generated.length));
        for (int step = 0; step < generated.length; step++) {
            NextToken top = NextToken.likeliest(
                            java.util.Arrays.copyOfRange(logits, step * dVocab, (step + 1) * dVocab), 1)
                    .getFirst();
            assertThat(top.token()).isEqualTo(generated[step]);
            assertThat(read("document.querySelector('[data-step=\"" + step + "\"]').dataset.value"))
                    .isEqualTo(read("Math.exp(" + top.logProbability() + ")"));
        }
        browser.click("[data-step='3']");
        assertThat(read("document.querySelector('.step-detail h3').textContent"))
                .contains("position " + (tokens.length + 3));
        assertThat(read("location.hash")).isEqualTo("#generation/at=3");
        browser.hover("[data-step='5']");
        assertThat(read("document.querySelectorAll('.tip tr').length")).isEqualTo("10");
        keep("generation-light");
        browser.show(1280, 900, "dark", "screen");
        keep("generation-dark");
    }

    @Test
    void editsAreOnThePage() throws IOException, InterruptedException {
        int[] generated = {tokens[1], tokens[2]};
        float[] logits = PromptViews.logits(model, tokens, generated);
        GenerationView view = GenerationView.of(
                        dev.hyaline.explorer.data.ViewHeading.of("Generation", "fable"),
                        generated,
                        logits,
                        3,
                        ViewToken::of)
                .withEdits(List.of("zero z of head 2.1"), logits);
        browser.open(Files.writeString(
                folder.resolve("edits.html"), Page.of("edits", view).html()));
        browser.await("document.querySelector('.edits')");
        assertThat(read("document.querySelector('.edits').textContent")).contains("zero z of head 2.1");
        assertThat(read("document.querySelector('.step-detail tr:last-child [data-value]').dataset.value"))
                .isEqualTo(read("document.querySelector('.step-detail tr.chosen [data-value]').dataset.value"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"tokens", "heads", "lens", "generation"})
    void allTextIsReadEasilyInBothThemes(String view) throws InterruptedException {
        for (String theme : List.of("light", "dark")) {
            browser.show(1280, 900, theme, "screen");
            open(view);
            assertThat(read(Browser.PALE_TEXTS)).isEmpty();
            assertThat(read(Browser.UNREACHABLE)).isEmpty();
            assertThat(read("document.documentElement.scrollWidth")).isEqualTo("1280");
        }
        browser.show(400, 900, "light", "screen");
        open(view);
        assertThat(read("document.documentElement.scrollWidth")).isEqualTo("400");
    }

    @Test
    void hostileTokensAndPromptsAreText() throws IOException, InterruptedException {
        Path hostile =
                Files.writeString(folder.resolve("hostile.html"), page(HOSTILE, id -> ViewToken.of(id, HOSTILE + id)));
        for (String view : List.of("tokens", "heads", "lens", "generation")) {
            browser.open(hostile.toUri() + "#" + view);
            browser.await("document.querySelector('section:not([hidden]) .view-body > *')");
            assertThat(browser.complaints()).isEmpty();
            assertThat(browser.requests()).hasSize(1);
            assertThat(read("document.querySelectorAll('img').length")).isEqualTo("0");
            assertThat(read("document.querySelector('#" + view + " .origin').textContent"))
                    .contains("</script><img src=x");
        }
    }

    @Test
    void theSameRunGivesTheSameFile() throws IOException {
        assertThat(page(
                        TEXT,
                        id -> ViewToken.of(id, checkpoint.tokenizer().bytes(id).orElseThrow())))
                .isEqualTo(Files.readString(file));
    }

    @Test
    void ofALongPromptTheLargestAreKept() {
        AttentionRecord some = AttentionRecord.of(model, tokens, 10_000);
        assertThat(some.isWhole()).isFalse();
        float[] pattern = recorded().values(HookPoint.of(Site.PATTERN, 3), 0);
        int n = tokens.length;
        int kept = 0;
        for (int query = 0; query < n; query++) {
            float least = Float.MAX_VALUE;
            float lost = 0;
            for (int key = 0; key <= query; key++) {
                float weight = some.weight(3, 5, query, key);
                float exact = pattern[5 * n * n + query * n + key];
                if (Float.isNaN(weight)) {
                    lost = Math.max(lost, exact);
                } else {
                    assertThat(weight).isEqualTo(exact);
                    least = Math.min(least, exact);
                    kept++;
                }
            }
            assertThat(lost).isLessThanOrEqualTo(least);
        }
        assertThat(kept).isGreaterThan(n).isLessThan(n * (n + 1) / 2);
    }

    @Test
    void oneLayerAloneIsAsAmongAll() {
        AttentionRecord all = AttentionRecord.of(model, tokens);
        AttentionRecord one = AttentionRecord.ofLayer(model, tokens, 2);
        for (int query = 0; query < tokens.length; query++) {
            for (int key = 0; key <= query; key++) {
                assertThat(one.weight(2, 3, query, key)).isEqualTo(all.weight(2, 3, query, key));
            }
        }
        PromptViews views = views(TEXT, ViewToken::of);
        byte[] whole = views.attention().data().body();
        assertThat(views.attentionOf(2).data().body()).isEqualTo(whole);
        assertThat(views(TEXT, ViewToken::of).attentionOf(2).data().body()).hasSizeLessThan(whole.length / 2);
        assertThatThrownBy(() -> views.attentionOf(model.config().nLayers())).isInstanceOf(BadInputException.class);
    }

    @Test
    void badPromptsAreRefused() {
        assertThatThrownBy(() -> AttentionRecord.of(model, new int[0])).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> PromptViews.of(model, "fable", "", new int[0], ViewToken::of, ""))
                .isInstanceOf(BadInputException.class);
    }
}
