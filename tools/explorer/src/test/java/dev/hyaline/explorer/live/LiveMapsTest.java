package dev.hyaline.explorer.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.circuit.EdgeScoring;
import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.NextToken;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attribution, maps of effects and circuits of the live page in Chromium: the numbers are the library's, and a cell
 * leads to its run. With {@code -Dscreenshots=FOLDER} it leaves pictures there.
 */
@ResourceLock(Browser.LOCK)
final class LiveMapsTest {
    private static final String CORRUPTED = "When Mary and John went to the store, Mary gave a drink to";
    private static final String PAIR = "corrupted=" + encoded(CORRUPTED) + "&answer=+Mary&distractor=+John";

    private static LiveFable fable;
    private static Browser browser;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        browser = Browser.shared();
        browser.show(1280, 900, "light", "screen");
        fable = LiveFable.start();
    }

    @AfterAll
    static void stop() {
        if (fable != null) {
            fable.close();
        }
    }

    @AfterEach
    void thePageIsQuiet() {
        assertThat(browser.complaints()).isEmpty();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static void open(String address) throws InterruptedException {
        browser.open(fable.server().address() + "&" + address);
        browser.await("document.querySelector('.tabs [aria-selected=true]')");
    }

    private static PromptPairs pairs() {
        return PromptPairs.of(
                fable.model().config(),
                List.of(new PromptPair(
                        LiveFable.PROMPT,
                        fable.encoder().prompt(LiveFable.PROMPT),
                        fable.encoder().prompt(CORRUPTED),
                        new int[] {fable.encoder().token(" Mary")},
                        new int[] {fable.encoder().token(" John")},
                        Map.of())));
    }

    private static Experiment experiment() {
        return Experiment.start(fable.model(), pairs(), Metric.logitDifference());
    }

    /** The numbers of the elements that a selector finds, in the order of another attribute. */
    private static double[] numbers(String selector, String key) throws InterruptedException {
        return Arrays.stream(
                        browser.evaluate("[...document.querySelectorAll('" + selector + "')].sort((a, b) => a.dataset."
                                        + key + " - b.dataset." + key + ").map(e => e.dataset.value).join()")
                                .split(",", -1))
                .mapToDouble(Double::parseDouble)
                .toArray();
    }

    /** What a page shows of a table: differences from the metric without an edit. */
    private static double[] shown(ResultTable table) {
        assertThat(table.subtracted()).isNotEmpty();
        return IntStream.range(0, table.cells()).mapToDouble(table::shown).toArray();
    }

    private static void keep(String name) throws IOException, InterruptedException {
        String kept = System.getProperty("screenshots");
        if (kept != null) {
            Files.write(Path.of(kept).resolve(name + ".png"), browser.screenshot());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"head", "position", "neuron"})
    void attributionIsTheLibrarys(String by) throws InterruptedException {
        open("attribution/by=" + by + "&answer=+Mary&distractor=+John");
        browser.await("document.querySelector('.results .sum') && !document.querySelector('.results[aria-busy]')"
                + " && document.querySelector('.results h3').textContent === 'By layer'");
        DirectLogitAttribution attribution = DirectLogitAttribution.of(fable.model(), pairs(), PromptPair.END);
        DirectLogitAttribution.Result result = switch (by) {
            case "head" -> attribution.byHead();
            case "neuron" -> attribution.byNeuron();
            default -> attribution.byPosition();
        };
        double[] means = result.table().means();
        if (by.equals("head")) {
            assertThat(numbers("#attribution [data-cell]", "cell")).isEqualTo(means);
        }
        double sum = Double.parseDouble(browser.evaluate("document.querySelector('.sum b').dataset.value"));
        assertThat(sum).isEqualTo(Arrays.stream(means).sum());
        double[] largest = Arrays.stream(means)
                .boxed()
                .sorted((a, b) -> Double.compare(Math.abs(b), Math.abs(a)))
                .limit(20)
                .mapToDouble(value -> value)
                .toArray();
        assertThat(numbers("ol[aria-label=\"The largest parts\"] li", "row")).isEqualTo(largest);
    }

    @Test
    void theFormOfAnAttributionAsksAnew() throws InterruptedException {
        open("attribution");
        browser.await("document.querySelector('.results .sum')");
        browser.evaluate("(() => { const s = document.querySelector('#attribution .pair select'); s.value = 'stream';"
                + " s.dispatchEvent(new Event('change', {bubbles: true})); })()");
        browser.await("document.querySelector('.results h3')?.textContent === 'Along the residual stream'");
        assertThat(browser.evaluate("location.hash")).contains("by=stream");
        assertThat(browser.evaluate("document.querySelector('#attribution > .view > .view-body > .note').textContent"))
                .contains("hyaline attribute --by feature --sae SAE");
        type("#attribution .pair input", "two words");
        browser.await("!document.querySelector('#attribution [role=alert]').hidden");
        assertThat(browser.evaluate("document.querySelector('#attribution [role=alert]').textContent"))
                .contains("tokens where one is needed");
        // Chromium tells of the 400.
        assertThat(browser.complaints()).hasSize(1).first().asString().contains("400");
        open("attribution");
    }

    private static void type(String selector, String text) throws InterruptedException {
        browser.evaluate("(() => { const e = document.querySelector(" + Browser.quoted(selector) + "); e.value = "
                + Browser.quoted(text) + "; e.dispatchEvent(new Event('change', {bubbles: true})); })()");
    }

    @Test
    void aMapOfPatchesIsTheLibrarysAndACellLeadsToItsRun() throws InterruptedException {
        open("effects");
        browser.await("document.querySelector('#effects .pair')");
        type("#effects .pair input", CORRUPTED);
        browser.evaluate("document.querySelector('#effects .pair').requestSubmit()");
        browser.await("document.querySelector('#effects [data-cell]')");
        PromptPairs pairs = pairs();
        Sweep sweep = ActivationPatch.RESID_PRE.sweep(fable.model().config(), PatchingDirection.DENOISING, pairs);
        double[] differences = shown(experiment().sweep(sweep).table());
        assertThat(numbers("#effects [data-cell]", "cell")).isEqualTo(differences);
        String map = browser.evaluate("location.hash");
        assertThat(map).contains("do=patch", "what=resid_pre", "corrupted=When");

        // Layer 2 at the position of the second name.
        int length = pairs.commonLength();
        int changed = pairs.get(0).firstDifference();
        browser.click("#effects [data-cell=\"" + (2 * length + changed) + "\"]");
        browser.await("document.querySelector('#run .results')?.dataset.milliseconds"
                + " && !document.querySelector('#run .results[aria-busy]')");
        assertThat(browser.evaluate("document.querySelector('#prompt').value")).isEqualTo(CORRUPTED);
        int[] corrupted = pairs.get(0).corrupted();
        float[] logits = EditedModel.of(
                        fable.model(),
                        Interventions.of(Intervention.patch(
                                Target.of(Site.RESID_PRE, 2).positions(changed),
                                ActivationCache.record(
                                                fable.model(),
                                                Prompts.of(
                                                        fable.model().config(),
                                                        pairs.get(0).clean()),
                                                Capture.of(fable.model().config(), "resid_pre"))
                                        .source())))
                .forward(Prompts.of(fable.model().config(), corrupted), LogitSelection.last())
                .logits();
        double[] shown = Arrays.stream(browser.evaluate("[...document.querySelectorAll('[data-run=Edited] tbody tr')]"
                                + ".map(row => row.lastElementChild.dataset.value).join()")
                        .split(",", -1))
                .mapToDouble(Double::parseDouble)
                .toArray();
        assertThat(shown)
                .isEqualTo(NextToken.likeliest(logits, 10).stream()
                        .mapToDouble(token -> logits[token.token()])
                        .toArray());

        // Back to the map, which is kept, and to the prompt that it is of.
        browser.evaluate("history.back()");
        browser.await("document.querySelector('#prompt').value === " + Browser.quoted(LiveFable.PROMPT)
                + " && document.querySelector('#effects [data-cell]')");
        assertThat(numbers("#effects [data-cell]", "cell")).isEqualTo(differences);
    }

    @Test
    void aMapOfAblationsNeedsNoOtherPrompt() throws InterruptedException {
        open("effects/do=ablate&site=z&how=zero&each=1&answer=+Mary&distractor=+John&corrupted="
                + encoded(LiveFable.PROMPT));
        browser.await("document.querySelector('#effects [data-cell]')");
        Sweep sweep = AblationSweep.of(
                fable.model().config(),
                Ablation.zero(),
                Site.Z,
                AblationSweep.Along.everyHead().positions(PositionAxis.all(pairs())));
        assertThat(numbers("#effects [data-cell]", "cell"))
                .isEqualTo(shown(experiment().sweep(sweep).table()));
    }

    @Test
    void aMapIsCancelledAndMistakesAreSaid() throws InterruptedException {
        open("effects");
        // In the page, as soon as the button is there: however fast the machine, the map is not done by then.
        browser.evaluate("new MutationObserver((changes, observer) => {"
                + " const stop = document.querySelector('#effects .job:not([hidden]) button');"
                + " if (stop) { observer.disconnect(); stop.click(); }"
                + " }).observe(document.body, {subtree: true, childList: true, attributes: true})");
        browser.evaluate("location.hash = '#effects/do=patch&what=attn_head_pattern_dest_src_pos&" + PAIR + "'");
        browser.await("document.querySelector('#effects [role=alert]')?.textContent === 'Cancelled.'");
        assertThat(browser.evaluate("document.querySelector('#effects .job').hidden"))
                .isEqualTo("true");
        // Chromium tells of the 409.
        assertThat(browser.complaints()).hasSize(1).first().asString().contains("409");
        open("effects/do=patch&corrupted=" + encoded("Once upon a time"));
        browser.await(
                "document.querySelector('#effects [role=alert]')?.textContent.includes('tokens and the corrupted') ==="
                        + " true");
        browser.complaints();
        open("effects");
    }

    @Test
    void aCircuitIsTheLibrarysAndTheSliderMeasuresAnySize() throws InterruptedException {
        open("circuit/method=eap-ig&" + PAIR);
        browser.await("document.querySelector('#circuit [data-edge]')");
        CircuitExperiment experiment = CircuitExperiment.of(experiment(), Ablation.counterfactual());
        EdgeScores scores = new EdgeScoring.InputGradients(5, EdgeScoring.PathRule.LEFT).score(experiment);
        double[] values = scores.values();
        String drawn = browser.evaluate("[...document.querySelectorAll('#circuit [data-edge]')]"
                + ".map(edge => edge.dataset.edge + ' ' + edge.dataset.value).join()");
        assertThat(drawn.split(",", -1))
                .isNotEmpty()
                .allSatisfy(edge -> assertThat(Double.parseDouble(edge.split(" ", -1)[1]))
                        .isEqualTo(values[Integer.parseInt(edge.split(" ", -1)[0])]));

        // A size that was not measured with the curve.
        browser.evaluate(
                "(() => { const slider = document.querySelector('#circuit input[type=range]'); slider.value = 36;"
                        + " slider.dispatchEvent(new Event('input')); })()");
        int size =
                Integer.parseInt(browser.evaluate("document.querySelector('#circuit input[type=range]').ariaValueText")
                        .split(" ", -1)[0]);
        browser.await("/; faithfulness [^ ]+\\.$/.test(document.querySelector('#circuit .cut').textContent)");
        CircuitCurve curve = CircuitCurve.measure(experiment, scores, CircuitSelection.TOP);
        assertThat(curve.points()).noneMatch(point -> point.asked() == size);
        assertThat(Double.parseDouble(browser.evaluate(
                        "[...document.querySelectorAll('#circuit .cut [data-value]')].at(-1).dataset.value")))
                .isEqualTo(curve.at(experiment, scores, size).faithfulness());
    }

    @ParameterizedTest
    @CsvSource({"light, 1280", "dark, 1280", "light, 400", "dark, 400"})
    void picturesFitThePage(String scheme, int width) throws IOException, InterruptedException {
        browser.show(width, 900, scheme, "screen");
        for (String view : List.of(
                "attribution/by=head&answer=+Mary&distractor=+John",
                "effects/do=patch&what=resid_pre&" + PAIR,
                "circuit/method=eap-ig&" + PAIR)) {
            String id = view.split("/", 2)[0];
            open(view);
            browser.await("document.querySelector('#" + id + " :is([data-cell], [data-edge])')"
                    + " && !document.querySelector('[aria-busy]')");
            keep(id + "-" + scheme + "-" + width);
            assertThat(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"))
                    .isEqualTo("true");
            assertThat(browser.evaluate("[...document.querySelectorAll('input, select, button')]"
                            + ".filter(e => !e.labels?.length && !e.ariaLabel && !e.textContent.trim()).length"))
                    .isEqualTo("0");
        }
        browser.show(1280, 900, "light", "screen");
    }
}
