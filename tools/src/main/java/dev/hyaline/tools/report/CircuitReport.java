package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Acdc;
import dev.hyaline.analysis.circuit.AttributionGraph;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.CircuitPicture;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.CurvePicture;
import dev.hyaline.analysis.circuit.GraphFile;
import dev.hyaline.analysis.circuit.ScoreStability;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CircuitView;
import dev.hyaline.files.JsonText;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * A circuit that was found and judged: what is printed of it, and its files.
 *
 * @param stability null if no edges were selected by score, or from one pair only
 * @param recovery null if no known circuit was given
 */
public record CircuitReport(
        Subject subject,
        Search search,
        CircuitExperiment found,
        CircuitExperiment judged,
        CircuitEvaluation evaluation,
        NodesReport nodes,
        EdgesReport edges,
        ClaimsReport claims,
        CurvesReport curves,
        @Nullable ScoreStability stability,
        @Nullable RecoveryReport recovery) {

    /**
     * What the circuit was looked for on.
     *
     * @param pairs the task or the file that the pairs are from
     */
    public record Subject(String model, String pairs, long seed) {
        private void writeJson(JsonGenerator json) {
            json.writeStringProperty("model", model);
            json.writeStringProperty("pairs_from", pairs);
        }
    }

    /**
     * How the circuit was come by.
     *
     * @param origin where it comes from, such as {@code eap-ig of 5 steps}
     * @param asked edges that were selected, before pruning; 0 if there was no selection
     * @param acdc the search that found it; null if another way did
     */
    public record Search(
            String origin,
            CircuitSelection selection,
            int asked,
            @Nullable Acdc acdc) {}

    private Circuit circuit() {
        return evaluation.circuit();
    }

    private String title() {
        return "Circuit of " + subject.model() + ", " + subject.pairs() + ", by " + search.origin();
    }

    private String note() {
        return judged.metric().quantity() + ", " + judged.ablation().description() + " ablation, "
                + judged.pairs().size() + " pairs: alone it keeps "
                + TableView.figure(evaluation.faithfulness()) + " of what the whole model does";
    }

    /** Prints it for people. */
    public void show(Console console, TopOption top) {
        boolean same = found.pairs().equals(judged.pairs());
        StudyHeading.print(
                console,
                subject.model(),
                found.pairs(),
                (same
                                ? " to find the circuit and to judge it"
                                : " to find the circuit, " + judged.pairs().size() + " others to judge it")
                        + ", " + judged.metric().quantity() + ": clean " + TableView.figure(evaluation.meanFull())
                        + ", all edges ablated " + TableView.figure(evaluation.meanEmpty()));
        console.headed(
                "Circuit by " + search.origin(),
                judged.ablation().description() + " ablation, input = "
                        + judged.input().toString().replace('-', ' '));
        console.out()
                .println(circuit().nodes().size() + " nodes and " + circuit().size() + " of "
                        + DisplayText.count(circuit().graphSize()) + " edges"
                        + (search.asked() > 0 && search.asked() != circuit().size()
                                ? " (" + search.asked() + " selected by " + search.selection() + ", then pruned)"
                                : ""));
        @Nullable Acdc acdc = search.acdc();
        if (acdc != null) {
            show(console, acdc);
        }
        console.out().println();
        nodes.show(console, top);
        edges.show(console, top);
        console.out().println();
        showEvaluation(console);
    }

    private void show(Console console, Acdc acdc) {
        console.out()
                .println("tried " + DisplayText.count(acdc.tested()) + " of "
                        + DisplayText.count(circuit().graphSize())
                        + " edges, the others led nowhere; the nearest decision was "
                        + TableView.figure(acdc.closestDecision()) + " from tau");
        console.out()
                .println("partial reruns took " + DisplayText.count(acdc.work().done())
                        + " multiply-adds, full ones of the edges tried take "
                        + DisplayText.count(acdc.work().full()));
    }

    private String range(double[] values) {
        return MeanInterval.of(values, judged.pairs()).toString();
    }

    private void showEvaluation(Console console) {
        Table table = new Table("", ">" + judged.metric().name(), ">95 % interval", ">faithfulness");
        table.row("the whole model", evaluation.meanFull(), range(evaluation.full()), "1");
        table.row("the circuit alone", evaluation.meanKept(), range(evaluation.kept()), evaluation.faithfulness());
        table.row(
                "the model without it",
                evaluation.meanComplement(),
                range(evaluation.complement()),
                evaluation.complementFaithfulness());
        table.row("every edge ablated", evaluation.meanEmpty(), range(evaluation.empty()), "0");
        table.print(console);
        console.out().println();
        claims.show(console);
        console.out().println();
        curves.show(console);
        if (stability != null) {
            console.out()
                    .println("Stability: circuits from resampled pairs share "
                            + TableView.figure(stability.bootstrap().meanPairwise())
                            + " of their edges (Jaccard), those from halves of the pairs "
                            + TableView.figure(stability.halves()));
        }
        if (recovery != null) {
            recovery.show(console);
        }
    }

    /** The view of the graph with the circuit in it. */
    public CircuitView view(ViewHeading heading) {
        double[] effects =
                Arrays.stream(edges.effects()).mapToDouble(MeanInterval::mean).toArray();
        List<CircuitCurve> measured = search.selection().isAbsolute() ? curves.absolute() : curves.signed();
        return CircuitView.of(
                heading.withTitle(title()),
                circuit(),
                edges.scores(),
                measured.getFirst(),
                effects,
                evaluation.faithfulness());
    }

    /** The names of the files, as those of tables. */
    public static String[] names() {
        return new String[] {"graph", "circuit", "nodes", "edges", "curve", "positions", "neurons", "circuit-tracer"};
    }

    /** Writes the files: none appears before all contents are made. */
    public void write(Console console, TableFolder folder, boolean quiet) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("graph.json", bytes(GraphFile.of(circuit(), edges.scores()).json()));
        files.put(
                "circuit-tracer.json",
                AttributionGraph.of(circuit(), edges.scores(), title(), subject.model())
                        .json());
        files.put("circuit.json", JsonText.indented(json -> {
            json.writeStartObject();
            writeJson(json);
            json.writeEndObject();
        }));
        nodes.files().forEach((name, content) -> files.put(name, bytes(content)));
        files.put("edges.csv", bytes(edges.csv()));
        files.put("curve.csv", bytes(curves.csv()));
        CurvePicture plot = CurvePicture.of(title() + ": " + judged.metric().quantity(), curves.signed());
        files.put("curve.svg", bytes(plot.svg()));
        files.put("curve.png", plot.png());
        if (CircuitPicture.fits(circuit())) {
            CircuitPicture picture = CircuitPicture.of(circuit(), edges.scores(), title(), note());
            files.put("circuit.svg", bytes(picture.svg()));
            files.put("circuit.png", picture.png());
            files.put("circuit.dot", bytes(picture.dot()));
        }
        folder.writeFiles(files);
        if (!quiet) {
            console.out().println("Wrote " + String.join(", ", files.keySet()));
            console.out().println("to " + folder.path());
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Writes everything that is known of it, and the names of the edges with the largest scores if asked for. */
    public void writeJson(JsonGenerator json, TopOption top) {
        writeJson(json);
        top.writeNames(json, edges.rankedNames());
    }

    /** Writes everything that is known of it, and all that is needed to find it again. */
    public void writeJson(JsonGenerator json) {
        subject.writeJson(json);
        json.writeStringProperty("method", search.origin());
        json.writeStringProperty("scores", edges.scores().method());
        json.writeStringProperty("metric", judged.metric().name());
        json.writeStringProperty("direction", "noising");
        json.writeStringProperty("ablation", judged.ablation().description());
        json.writeStringProperty("input", judged.input().toString());
        json.writeStringProperty("selection", search.selection().toString());
        json.writeNumberProperty("edges_asked", search.asked());
        json.writeNumberProperty("edges_of_graph", circuit().graphSize());
        @Nullable Acdc acdc = search.acdc();
        if (acdc != null) {
            json.writeObjectPropertyStart("acdc");
            json.writeNumberProperty("tested", acdc.tested());
            JsonOutput.number(json, "closest_decision", acdc.closestDecision());
            json.writeNumberProperty("multiply_adds", acdc.work().done());
            json.writeNumberProperty("multiply_adds_of_full_reruns", acdc.work().full());
            json.writeEndObject();
        }
        json.writeNumberProperty("seed", subject.seed());
        json.writeNumberProperty("n", judged.pairs().size());
        json.writeNumberProperty(
                "units",
                judged.pairs().units().map(Units::count).orElse(judged.pairs().size()));
        json.writeBooleanProperty("units_known", judged.pairs().units().isPresent());
        pairs(json, "pairs_found_on", found.pairs());
        pairs(json, "pairs_judged_on", judged.pairs());
        nodes.writeJson(json);
        edges.writeJson(json);
        json.writeObjectPropertyStart("evaluation");
        JsonOutput.number(json, "full", evaluation.meanFull());
        JsonOutput.number(json, "empty", evaluation.meanEmpty());
        JsonOutput.number(json, "circuit", evaluation.meanKept());
        JsonOutput.number(json, "complement", evaluation.meanComplement());
        JsonOutput.number(json, "faithfulness", evaluation.faithfulness());
        JsonOutput.number(json, "complement_faithfulness", evaluation.complementFaithfulness());
        json.writeEndObject();
        claims.writeJson(json);
        nodes.writeMethodsJson(json);
        curves.writeJson(json);
        if (stability != null) {
            json.writeObjectPropertyStart("stability");
            JsonOutput.number(json, "bootstrap_jaccard", stability.bootstrap().meanPairwise());
            JsonOutput.number(json, "halves_jaccard", stability.halves());
            JsonOutput.number(json, "halves_spearman", stability.halvesSpearman());
            json.writeEndObject();
        }
        if (recovery != null) {
            recovery.writeJson(json);
        }
    }

    private static void pairs(JsonGenerator json, String name, PromptPairs pairs) {
        json.writeArrayPropertyStart(name);
        for (PromptPair pair : pairs.list()) {
            json.writeStartObject();
            JsonOutput.numbers(json, "clean", pair.clean());
            JsonOutput.numbers(json, "corrupted", pair.corrupted());
            JsonOutput.numbers(json, "answer", pair.answers());
            JsonOutput.numbers(json, "distractor", pair.distractors());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
