package dev.hyaline.explorer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.analysis.circuit.AttributionGraph;
import dev.hyaline.analysis.circuit.AttributionGraph.FeatureNode;
import dev.hyaline.analysis.circuit.AttributionGraph.Link;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CircuitView;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Graphs of circuits and of features in Debian's Chromium. */
@ResourceLock(Browser.LOCK)
final class GraphViewTest {
    private static final String HOSTILE = PageTest.HOSTILE.replace("\u0000", "");
    private static final Gpt2Config CONFIG =
            new Gpt2Config(3, 4, 4, 8, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
    private static final int[] SIZES = {1, 3, 9, 20, 60, 150};

    @TempDir
    private static Path folder;

    private static Browser browser;
    private static Path file;
    private static EdgeScores scores;
    private static Circuit circuit;

    private static double faithfulness(int size) {
        return size / 150.0 + 0.001;
    }

    private static CircuitView found() {
        double[] effects = new double[circuit.size()];
        for (int i = 0; i < effects.length; i++) {
            effects[i] = i / 3.0;
        }
        List<CircuitCurve.Point> points = new ArrayList<>();
        for (int size : SIZES) {
            points.add(new CircuitCurve.Point(
                    (double) size / scores.size(),
                    size,
                    CircuitSelection.TOP.select(scores, size).pruned().size(),
                    2,
                    faithfulness(size)));
        }
        return CircuitView.of(
                ViewHeading.of(HOSTILE, "m"),
                circuit,
                scores,
                new CircuitCurve("m", CircuitSelection.TOP, 3, 1, points),
                effects,
                0.1 + 0.2);
    }

    private static CircuitView traced() {
        List<FeatureNode> nodes = List.of(
                feature("E_1_0", "E", 0, AttributionGraph.EMBEDDING, HOSTILE),
                feature("E_2_1", "E", 1, AttributionGraph.EMBEDDING, "b"),
                feature("0_7_1", "0", 1, AttributionGraph.FEATURE, HOSTILE),
                feature("1_-1_1", "1", 1, AttributionGraph.ERROR, ""),
                feature("3_5_1", "3", 1, AttributionGraph.LOGIT, "Output"));
        return CircuitView.of(
                ViewHeading.of("Traced", "m"),
                new AttributionGraph(
                        "slug",
                        "scan",
                        List.of(),
                        HOSTILE,
                        List.of(HOSTILE, "b"),
                        null,
                        nodes,
                        List.of(
                                new Link("E_1_0", "0_7_1", 0.75),
                                new Link("E_2_1", "0_7_1", -0.5),
                                new Link("0_7_1", "3_5_1", 0.1 + 0.2),
                                new Link("1_-1_1", "3_5_1", 0.01)),
                        List.of(),
                        List.of()));
    }

    private static FeatureNode feature(String id, String layer, int position, String kind, String label) {
        return new FeatureNode(id, layer, 1, position, kind, label, 0, false, 0.5, 3.25, id);
    }

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        browser = Browser.shared();
        double[] values =
                new Random(5).doubles(Circuit.full(CONFIG).graphSize(), -0.4, 1).toArray();
        scores = EdgeScores.of(CONFIG, "eap", values);
        circuit = CircuitSelection.TOP.select(scores, 40).pruned();
        file = Files.writeString(
                folder.resolve("graphs.html"),
                Page.of(HOSTILE, found(), traced()).html());
    }

    private static void open(String fragment) throws InterruptedException {
        browser.show(1300, 900, "light", "screen");
        browser.open(file.toUri() + fragment);
        browser.await("document.querySelector('section:not([hidden]) .cut b')");
    }

    private static String text(String selector) throws InterruptedException {
        return browser.evaluate("document.querySelector(" + Browser.quoted(selector) + ").textContent");
    }

    private static int drawn(String view) throws InterruptedException {
        return Integer.parseInt(browser.evaluate("document.querySelectorAll('#" + view + " [data-edge]').length"));
    }

    @Test
    void theCircuitThatWasFoundIsShownFirst() throws InterruptedException {
        open("");
        assertThat(drawn("circuit")).isEqualTo(circuit.size());
        assertThat(text("#circuit .cut"))
                .startsWith(circuit.size() + " edges of " + circuit.graphSize() + " between "
                        + circuit.nodes().size() + " nodes");
        assertThat(browser.evaluate("document.querySelector('#circuit .cut b').dataset.value"))
                .isEqualTo("0.30000000000000004");
        String weights = browser.evaluate(
                "[...document.querySelectorAll('#circuit [data-edge]')].map(e => e.dataset.edge + ' ' +"
                        + " e.dataset.value).sort((a, b) => parseInt(a) - parseInt(b)).join(';')");
        List<String> expected = new ArrayList<>();
        List<Edge> all = Circuit.full(CONFIG).edges();
        circuit.edges().forEach(edge -> expected.add(all.indexOf(edge) + " " + scores.of(edge)));
        assertThat(weights).isEqualTo(String.join(";", expected));
    }

    /** At each measured size the page cuts and prunes as the library does. */
    @Test
    void theSliderStopsWhereFaithfulnessWasMeasured() throws InterruptedException {
        open("#circuit/edges=" + SIZES[0]);
        browser.evaluate("document.querySelector('#circuit input[type=range]').focus()");
        for (int i = 0; i < SIZES.length; i++) {
            if (i > 0) {
                browser.press("PageUp");
            }
            Circuit kept = CircuitSelection.TOP.select(scores, SIZES[i]).pruned();
            assertThat(drawn("circuit")).as("edges at %d", SIZES[i]).isEqualTo(kept.size());
            assertThat(browser.evaluate("location.hash")).isEqualTo("#circuit/edges=" + SIZES[i]);
            assertThat(browser.evaluate("[...document.querySelectorAll('#circuit .cut b')].at(-1).dataset.value"))
                    .isEqualTo(String.valueOf(faithfulness(SIZES[i])));
        }
        browser.press("PageDown");
        browser.press("ArrowRight");
        assertThat(text("#circuit .cut")).contains("faithfulness was measured at 60 (", ") and at 150 (");
    }

    @Test
    void aNodeShowsItsPaths() throws InterruptedException {
        open("");
        browser.evaluate("document.querySelector('#circuit [data-node]').focus()");
        browser.press("ArrowDown");
        assertThat(text(".tip")).isNotEmpty();
        String name = browser.evaluate("document.activeElement.getAttribute('aria-label')");
        browser.press("Enter");
        assertThat(text("#circuit .detail h3")).isEqualTo(name);
        assertThat(browser.evaluate("location.hash")).isEqualTo("#circuit/node=" + name);
        long reads = circuit.edges().stream()
                .filter(edge -> edge.receiver().node().toString().equals(name))
                .count();
        assertThat(text("#circuit .detail")).contains("Reads (" + reads + ")", "nodes upstream");
        browser.click("#circuit .graph [aria-label='logits']");
        long writers = circuit.nodes().size() - 1L;
        assertThat(text("#circuit .detail p")).isEqualTo(writers + " nodes upstream, 0 downstream.");
        assertThat(browser.evaluate("document.querySelectorAll('#circuit .edge.dim').length"))
                .isEqualTo("0");
        browser.hover("#circuit .edge .stroke");
        browser.press("Escape");
    }

    @Test
    void aTracedGraphStandsByPositionAndIsSavedAgain() throws InterruptedException {
        open("#circuit-2/edges=4");
        assertThat(drawn("circuit-2")).isEqualTo(4);
        assertThat(text("#circuit-2 svg")).contains("layer 1", "tokens", "logits", "b");
        browser.click("#circuit-2 [aria-label^='Output']");
        assertThat(text("#circuit-2 .detail")).contains("4 nodes upstream, 0 downstream", HOSTILE);
        assertThat(browser.evaluate("document.querySelector('#circuit-2 .detail td').dataset.value"))
                .isEqualTo("0.30000000000000004");
        browser.evaluate(
                "(window.saved = new Promise(done => URL.createObjectURL = blob => done(blob.text()) || '#'), 1)");
        browser.evaluate("[...document.querySelectorAll('#circuit-2 button')]"
                + ".find(b => b.textContent === 'Save for circuit-tracer').click()");
        AttributionGraph saved =
                AttributionGraph.parse("saved", browser.evaluate("window.saved").getBytes(StandardCharsets.UTF_8));
        assertThat(saved.links()).hasSize(4).contains(new Link("0_7_1", "3_5_1", 0.1 + 0.2));
        assertThat(saved.nodes().get(2).label()).isEqualTo(HOSTILE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"light", "dark"})
    void aViewIsReadableAndHarmless(String scheme) throws IOException, InterruptedException {
        for (String view : List.of("circuit", "circuit/edges=60&node=logits", "circuit-2")) {
            browser.show(1300, 900, scheme, "screen");
            browser.open(file.toUri() + "#" + view);
            browser.await("document.querySelector('section:not([hidden]) .cut b')");
            BrowserTest.keep("graph-" + view.replaceAll("\\W", "-") + "-" + scheme + ".png", browser.screenshot());
            assertThat(browser.complaints()).isEmpty();
            assertThat(browser.requests()).containsExactly(file.toUri().toString());
            assertThat(browser.evaluate("document.querySelectorAll('img, main script').length"))
                    .isEqualTo("0");
            assertThat(browser.evaluate("document.documentElement.scrollWidth")).isEqualTo("1300");
        }
    }

    @Test
    void equalGraphsGiveEqualFiles() {
        String html = Page.of("p", found(), traced()).html();
        assertThat(html).isEqualTo(Page.of("p", found(), traced()).html());
        PageTest.requireBalanced(html.replaceAll("(?s)<script.*?</script>", ""));
    }

    @Test
    void effectsAreThoseOfTheCircuitsEdges() {
        CircuitCurve curve = new CircuitCurve("m", CircuitSelection.TOP, 3, 1, List.of());
        assertThatThrownBy(() -> CircuitView.of(ViewHeading.of("t", "m"), circuit, scores, curve, new double[2], 1))
                .isInstanceOf(BadShapeException.class)
                .hasMessageContaining(circuit.size() + " values");
    }
}
