package dev.hyaline.tools.command;

import dev.hyaline.analysis.attention.HeadClass;
import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.circuit.Acdc;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.CircuitRecovery;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.EdgeList;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.circuit.EdgeScoring;
import dev.hyaline.analysis.circuit.ScoreStability;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CircuitOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.report.CircuitReport;
import dev.hyaline.tools.report.StudyHeading;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.report.TableView;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.StopNotice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hyaline circuit}: which edges of the model's graph do the task, and how well they do it alone. */
@Command(
        name = "circuit",
        header = "Finds the circuit that does a task, and tests it.",
        description = {
            "",
            "Scores every edge of the model's graph by what the task loses without it, keeps those with the"
                    + " largest scores, measures the exact effect of each, and runs the circuit by itself on other"
                    + " pairs of prompts, beside circuits of random scores."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nMethods:%n",
        footer = {
            "  eap-ig             gradients, mean over inputs between corrupted and clean (EAP-IG-inputs)",
            "  eap                gradients in the clean run (edge attribution patching)",
            "  ig-activations     gradients with the sender held between its two values; near to exact",
            "  exact              a partial rerun for each edge; a stopped run goes on with the same --out",
            "  acdc               leaves edges out for good, from the logits back, while the loss allows",
            "",
            "Examples:",
            "  hyaline circuit                                  the circuit of fable's indirect objects",
            "  hyaline circuit --task greater-than --metric prob-diff --edges 40 --out circuit",
            "  hyaline circuit --compare                        methods beside exact effects",
            "  hyaline circuit --evaluate graph.json            a circuit from elsewhere: EAP-IG, MIB, ACDC, ...",
            "  hyaline circuit --method acdc --tau 0.05 --metric kl"
        })
public final class CircuitCommand implements Runnable, CheckedOptions {
    private static final double HEAD_THRESHOLD = 0.4;
    private static final int STABILITY_ROUNDS = 20;
    private static final double LARGE_SHARE = 0.1;

    private final Console console;

    @Mixin
    private CircuitOptions circuitOptions;

    @Option(
            names = "--evaluate",
            paramLabel = "FILE",
            description = {
                "Test this circuit instead of one that is found: EAP-IG's JSON, this command's circuit.json, or a list"
                        + " of edges, with the names of ACDC or auto-circuit too."
            })
    private @Nullable String evaluate;

    @Option(names = "--compare", description = "Put all methods side by side instead, against exact effects.")
    private boolean compare;

    @Option(
            names = "--known",
            paramLabel = "FILE",
            description =
                    "A circuit that is known to be right: how well the scores tell its edges from others (AUROC).")
    private @Nullable String known;

    @Mixin
    private StudyOptions options;

    @Spec
    private CommandSpec spec;

    public CircuitCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (evaluate != null && (compare || circuitOptions.isAcdc())) {
            throw new BadInputException(
                    "--evaluate tests a circuit that is there; --compare and --method acdc find" + " one");
        }
        if (compare && (circuitOptions.isGiven() || options.tables().isAsked())) {
            throw new BadInputException(
                    "--compare takes every method and writes no files; --method and --out go" + " without it");
        }
        if (evaluate != null) {
            ModelOptions.readable("--evaluate", evaluate);
        }
        if (known != null) {
            ModelOptions.readable("--known", known);
        }
        options.tables().requireFree(CircuitReport.names());
    }

    @Override
    public void run() {
        try (Study study = options.open(console)) {
            Optional<Circuit> given = Optional.ofNullable(evaluate)
                    .map(file -> EdgeList.read(ModelOptions.path("--evaluate", file), study.config()));
            Optional<Circuit> right = Optional.ofNullable(known)
                    .map(file -> EdgeList.read(ModelOptions.path("--known", file), study.config()));
            int edges = circuitOptions.edges(Circuit.empty(study.config()).graphSize());
            Optional<Path> folder = options.tables().folder(CircuitReport.names());
            List<PromptPairs> split = options.pairs().split(study.pairs(), study.config(), study.vocabulary());
            try (Gpt2 model = study.start()) {
                CircuitExperiment found = experiment(model, split.get(0));
                CircuitExperiment judged = split.get(1).equals(split.get(0)) ? found : experiment(model, split.get(1));
                if (compare) {
                    compare(study, found, judged, right);
                } else {
                    find(study, model, found, judged, given, right, edges, folder);
                }
            }
        }
    }

    private CircuitExperiment experiment(Gpt2 model, PromptPairs pairs) {
        return CircuitExperiment.of(
                Experiment.start(model, pairs, options.metric()),
                circuitOptions.ablation(options.pairs().seed()),
                circuitOptions.input());
    }

    private void find(
            Study study,
            Gpt2 model,
            CircuitExperiment found,
            CircuitExperiment judged,
            Optional<Circuit> given,
            Optional<Circuit> right,
            int edges,
            Optional<Path> folder) {
        long seed = options.pairs().seed();
        EdgeScoring scoring = circuitOptions.scoring(seed);
        Optional<Path> journal = folder.filter(path -> scoring instanceof EdgeScoring.Exact)
                .map(path -> path.resolve(".exact-effects.cells"));
        EdgeScores scores = score(found, scoring, journal);
        CircuitSelection selection = circuitOptions.selection();
        boolean selected = given.isEmpty() && !circuitOptions.isAcdc();
        Circuit circuit;
        String origin;
        if (given.isPresent()) {
            circuit = given.get();
            origin = String.valueOf(evaluate);
        } else if (circuitOptions.isAcdc()) {
            circuit = search(found);
            origin = "acdc, tau " + circuitOptions.tau() + ", " + found.metric().name();
        } else {
            circuit = selection.select(scores, edges).pruned();
            origin = scores.method();
        }
        EdgeScores random = new EdgeScoring.Random(seed).score(found);
        CircuitReport report = new CircuitReport(
                study.model(),
                study.checkpoint().files().stream()
                        .map(file -> Map.of("name", file.name(), "sha256", file.sha256()))
                        .toList(),
                spec.commandLine().getParseResult().originalArgs(),
                origin,
                found,
                judged,
                selection,
                selected ? edges : 0,
                seed,
                scores,
                CircuitEvaluation.measure(judged, circuit),
                judged.effects(circuit.edges()),
                curves(judged, List.of(scores, random), false),
                curves(judged, List.of(scores, random), true),
                selected && scores.pairs() > 1
                        ? Optional.of(ScoreStability.measure(scores, selection, edges, STABILITY_ROUNDS, seed))
                        : Optional.empty(),
                right.map(of -> CircuitRecovery.of(scores, of, true)),
                right.map(of -> CircuitRecovery.of(scores, of, false)),
                kinds(study, model, found, circuit));
        if (options.json()) {
            JsonOutput.print(console, report::writeJson);
        } else {
            report.show(console);
        }
        folder.ifPresent(path -> report.write(console, path, options.json()));
        journal.ifPresent(CircuitCommand::delete);
    }

    private EdgeScores score(CircuitExperiment found, EdgeScoring scoring, Optional<Path> journal) {
        SweepOptions sweep =
                journal.map(file -> SweepOptions.none().journal(file)).orElse(SweepOptions.none());
        long total =
                (long) Circuit.empty(found.config()).graphSize() * found.pairs().size();
        try (ConsoleProgress progress = new ConsoleProgress(console, "circuit", "edits", total);
                StopNotice notice = new StopNotice(console, "the same command goes on where this one was")) {
            if (journal.isEmpty()) {
                notice.cancel();
            }
            return scoring.score(found, sweep.progress(steps(progress)));
        }
    }

    private Circuit search(CircuitExperiment found) {
        try (ConsoleProgress progress = new ConsoleProgress(
                console, "circuit", "edges", Circuit.empty(found.config()).graphSize())) {
            return Acdc.search(found, circuitOptions.tau(), false, SweepOptions.none().progress(steps(progress)))
                    .circuit();
        }
    }

    /** Steps of a bar, from how many are done; those that were done before come first. */
    private static SweepOptions.Progress steps(ConsoleProgress progress) {
        long[] before = {-1};
        return (done, all) -> {
            if (before[0] < 0) {
                progress.skip(done - 1);
                before[0] = done - 1;
            }
            progress.advance(done - before[0]);
            before[0] = done;
        };
    }

    private static List<CircuitCurve> curves(CircuitExperiment judged, List<EdgeScores> scores, boolean absolute) {
        return scores.stream()
                .map(of -> CircuitCurve.measure(
                        judged,
                        of,
                        of.method().equals("information-flow")
                                ? CircuitSelection.GREEDY
                                : absolute ? CircuitSelection.TOP_ABSOLUTE : CircuitSelection.TOP))
                .toList();
    }

    /** What the circuit's heads look at in the clean prompts. */
    private static Map<Node, String> kinds(Study study, Gpt2 model, CircuitExperiment found, Circuit circuit) {
        Map<Node, String> kinds = new LinkedHashMap<>();
        if (circuit.nodes().stream().noneMatch(Node.Head.class::isInstance)) {
            return kinds;
        }
        for (HeadClass head :
                HeadClass.classify(HeadScores.measure(model, found.pairs().clean(study.config())), HEAD_THRESHOLD)) {
            Node node = new Node.Head(head.layer(), head.head());
            if (head.type() != null && circuit.nodes().contains(node)) {
                kinds.put(node, head.type());
            }
        }
        return kinds;
    }

    private void compare(Study study, CircuitExperiment found, CircuitExperiment judged, Optional<Circuit> right) {
        long seed = options.pairs().seed();
        List<EdgeScores> all = new ArrayList<>();
        for (EdgeScoring scoring : circuitOptions.compared(seed, !found.metric().readsCleanRun())) {
            all.add(score(found, scoring, Optional.empty()));
        }
        List<CircuitCurve> signed = curves(judged, all, false);
        List<CircuitCurve> absolute = curves(judged, all, true);
        if (options.json()) {
            JsonOutput.print(console, out -> {
                out.writeStringProperty("model", study.model());
                out.writeStringProperty("metric", judged.metric().name());
                out.writeStringProperty("ablation", judged.ablation().description());
                out.writeStringProperty("input", judged.input().toString());
                out.writeArrayPropertyStart("methods");
                for (int i = 0; i < all.size(); i++) {
                    EdgeScores scores = all.get(i);
                    out.writeStartObject();
                    out.writeStringProperty("method", scores.method());
                    JsonOutput.number(out, "spearman", spearman(scores, all.getFirst()));
                    JsonOutput.number(out, "spearman_of_largest", spearmanOfLargest(scores, all.getFirst()));
                    JsonOutput.number(out, "pearson", pearson(scores, all.getFirst()));
                    JsonOutput.number(out, "cpr", signed.get(i).area());
                    JsonOutput.number(out, "cmd", absolute.get(i).areaFromOne());
                    right.ifPresent(circuit -> {
                        CircuitRecovery recovery = CircuitRecovery.of(scores, circuit, true);
                        JsonOutput.number(out, "auroc_absolute", recovery.auroc());
                        JsonOutput.number(out, "auroc_mib", recovery.mib());
                    });
                    out.writeEndObject();
                }
                out.writeEndArray();
            });
            return;
        }
        StudyHeading.print(
                console,
                study.model(),
                found.pairs(),
                ", judged on " + judged.pairs().size() + ", " + judged.metric().quantity() + ", "
                        + judged.ablation().description() + " ablation");
        List<String> headings = new ArrayList<>(List.of(
                "scores", ">Spearman", ">largest 10 %", ">Pearson", ">f at 1 %", ">2 %", ">5 %", ">CPR", ">CMD"));
        if (right.isPresent()) {
            headings.addAll(List.of(">AUROC", ">as MIB"));
        }
        Table table = new Table(headings.toArray(String[]::new));
        for (int i = 0; i < all.size(); i++) {
            EdgeScores scores = all.get(i);
            List<CircuitCurve.Point> points = signed.get(i).points();
            List<String> row = new ArrayList<>(List.of(
                    scores.method(),
                    TableView.figure(spearman(scores, all.getFirst())),
                    TableView.figure(spearmanOfLargest(scores, all.getFirst())),
                    TableView.figure(pearson(scores, all.getFirst())),
                    TableView.figure(points.get(3).faithfulness()),
                    TableView.figure(points.get(4).faithfulness()),
                    TableView.figure(points.get(5).faithfulness()),
                    TableView.figure(signed.get(i).area()),
                    TableView.figure(absolute.get(i).areaFromOne())));
            right.ifPresent(circuit -> {
                CircuitRecovery recovery = CircuitRecovery.of(scores, circuit, true);
                row.add(TableView.figure(recovery.auroc()));
                row.add(TableView.figure(recovery.mib()));
            });
            table.row(row.toArray(String[]::new));
        }
        table.print(console);
        console.out()
                .println(console.dim("Spearman and Pearson: with the exact effects of all edges, and of the tenth with"
                        + " the largest."));
        console.out()
                .println(console.dim("f: faithfulness of circuits by score; CPR: area by score, CMD: area from 1 by"
                        + " absolute score."));
    }

    private static double spearman(EdgeScores scores, EdgeScores exact) {
        return Correlation.spearman(scores.values(), exact.values())
                .map(Correlation.Spearman::rho)
                .orElse(Double.NaN);
    }

    private static double pearson(EdgeScores scores, EdgeScores exact) {
        return Correlation.pearson(scores.values(), exact.values())
                .map(Correlation.Pearson::r)
                .orElse(Double.NaN);
    }

    /** Rank correlation of the edges with the largest exact effects: among the others, ranks are of no consequence. */
    private static double spearmanOfLargest(EdgeScores scores, EdgeScores exact) {
        double[] values = scores.values();
        double[] effects = exact.values();
        int[] largest = IntStream.range(0, effects.length)
                .boxed()
                .sorted(Comparator.comparingDouble(e -> -Math.abs(effects[e])))
                .limit(Math.round(Math.ceil(LARGE_SHARE * effects.length)))
                .mapToInt(Integer::intValue)
                .toArray();
        return Correlation.spearman(
                        IntStream.of(largest).mapToDouble(e -> values[e]).toArray(),
                        IntStream.of(largest).mapToDouble(e -> effects[e]).toArray())
                .map(Correlation.Spearman::rho)
                .orElse(Double.NaN);
    }

    private static void delete(Path journal) {
        try {
            Files.deleteIfExists(journal);
        } catch (IOException e) {
            throw FileException.writing(journal, e);
        }
    }
}
