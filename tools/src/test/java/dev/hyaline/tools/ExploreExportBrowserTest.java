package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.Browser;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The file of {@code explore --export} opened from the disk in Chromium: what it shows are the library's numbers. */
@ResourceLock(Browser.LOCK)
final class ExploreExportBrowserTest {
    private static final String PROMPT = "When Mary and John went to the store, John gave a drink to";

    @TempDir
    private static Path folder;

    private static Path file;
    private static Browser browser;
    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static int[] tokens;

    @BeforeAll
    static void export() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        file = folder.resolve("page.html");
        assertThat(Outcome.of("explore", "--prompt", PROMPT, "--export", file.toString())
                        .exitCode())
                .isZero();
        browser = Browser.shared();
        browser.show(1280, 900, "light", "screen");
        checkpoint = Checkpoint.builtIn("fable");
        model = Gpt2.of(checkpoint.weights());
        tokens = checkpoint.tokenizer().encodePrompt(PROMPT);
    }

    @AfterAll
    static void close() {
        if (model != null) {
            model.close();
            checkpoint.close();
        }
    }

    @AfterEach
    void thePageIsQuietAndAsksForNothing() {
        assertThat(browser.complaints()).isEmpty();
        assertThat(browser.requests()).containsExactly(file.toUri().toString());
    }

    /** Opens a view, and waits for something in it. */
    private static void open(String fragment, String awaited) throws InterruptedException {
        browser.open(file.toUri() + "#" + fragment);
        browser.await("document.querySelector(" + Browser.quoted(awaited) + ")");
    }

    private static double[] numbers(String selector) throws InterruptedException {
        return Arrays.stream(browser.evaluate("[...document.querySelectorAll(" + Browser.quoted(selector)
                                + ")].map(e => e.dataset.value).join()")
                        .split(",", -1))
                .mapToDouble(Double::parseDouble)
                .toArray();
    }

    @Test
    void aHeadLooksWhereTheLibrarySays() throws InterruptedException {
        open("tokens/l=2&h=1&q=10", "#tokens .token-line");
        float[] pattern = ActivationCache.record(
                        model, Prompts.of(model.config(), tokens), Capture.of(model.config(), "pattern"))
                .values(HookPoint.of(Site.PATTERN, 2), 0);
        int n = tokens.length;
        double[] expected = new double[11];
        Arrays.setAll(expected, key -> pattern[(n + 10) * n + key]);
        assertThat(numbers("#tokens .token-line [data-value]")).startsWith(expected);
    }

    @Test
    void headsHaveTheLibrarysScores() throws InterruptedException {
        open("heads/colour=previous-token", "#heads [data-head]");
        int cells = model.config().nLayers() * model.config().nHeads();
        double[] means =
                HeadScores.measure(model, Prompts.of(model.config(), tokens)).means();
        assertThat(numbers("#heads [data-head]")).containsExactly(Arrays.copyOf(means, cells));
    }

    @Test
    void theLensShowsTheLibrarysProbabilities() throws InterruptedException {
        open("lens", "#lens [role=gridcell]");
        double[] expected = LogitLens.of(model).likeliest(tokens, 1).reversed().stream()
                .flatMap(List::stream)
                .mapToDouble(cell -> cell.getFirst().probability())
                .toArray();
        // The page takes the exponential of what the file holds; the last bit of it is the browser's.
        assertThat(numbers("#lens [role=gridcell]")).containsExactly(expected, within(1e-15));
    }

    @Test
    void theContinuationHasTheLibrarysProbabilities() throws InterruptedException {
        open("generation", "#generation .step-detail [data-value]");
        float[] logits = model.logits(tokens);
        int width = model.config().dVocab();
        double[] expected =
                NextToken.likeliest(Arrays.copyOfRange(logits, logits.length - width, logits.length), 10).stream()
                        .mapToDouble(NextToken::logProbability)
                        .toArray();
        assertThat(numbers("#generation .step-detail [data-value]")).containsExactly(expected);
    }
}
