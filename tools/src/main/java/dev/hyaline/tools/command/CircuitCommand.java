package dev.hyaline.tools.command;

import dev.hyaline.analysis.attention.HeadClass;
import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.circuit.Acdc;
import dev.hyaline.analysis.circuit.AttributionPatches;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.CircuitRecovery;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.EdgeList;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.circuit.EdgeScoring;
import dev.hyaline.analysis.circuit.GraphFile;
import dev.hyaline.analysis.circuit.IterativeAblation;
import dev.hyaline.analysis.circuit.OptimalAblation;
import dev.hyaline.analysis.circuit.ScoreStability;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CircuitOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.report.CircuitReport;
import dev.hyaline.tools.report.ClaimsReport;
import dev.hyaline.tools.report.NodeRoles;
import dev.hyaline.tools.report.NodesReport;
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
import java.util.OptionalInt;
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
            "  clean-corrupted    gradients in the clean and in the corrupted run",
            "  mask-gradient      gradients of masks that close together",
            "  information-flow   what each sender adds to what is read; no metric",
            "  exact              a partial rerun for each edge",
            "  atp, atp-star      nodes by attribution patching, plain and with GradDrop; queries and keys with the"
                    + " softmax fix",
            "  hisp               nodes by mean absolute attribution",
            "  subnetwork-probing, ugs, edge-pruning",
            "                     masks of all edges, learned together; best with --metric kl",
            "  acdc               leaves edges out for good, from the logits back, while the loss allows",
            "  iterative          ablates heads and MLPs one by one, alone and on top of those not missed",
            "Exact effects, learned masks and acdc that were stopped go on with the same --out.",
            "",
            "Files of --out:",
            "  graph.json         the graph with all scores, as EAP-IG and MIB read it",
            "  circuit.json       all that is printed, and what is needed to find it again",
            "  circuit.svg, .png, .dot",
            "                     the circuit as a picture, and for Graphviz",
            "  edges.csv, nodes.csv",
            "                     all edges with score, exact effect and interval; all nodes with their sums",
            "  curve.csv, .svg, .png",
            "                     faithfulness by size, beside random scores",
            "  positions.csv, neurons.csv",
            "                     of methods that score nodes",
            "",
            "Examples:",
            "  hyaline circuit                                  the circuit of fable's indirect objects",
            "  hyaline circuit --task greater-than --metric prob-diff --edges 40 --out circuit",
            "  hyaline circuit --compare                        methods beside exact effects",
            "  hyaline circuit --evaluate graph.json            a circuit from elsewhere: EAP-IG, MIB, ACDC, ...",
            "  hyaline circuit --method acdc --tau 0.05 --metric kl",
            "  hyaline circuit --method iterative --threshold 0.8 --ablation mean",
            "  hyaline circuit --method edge-pruning --metric kl --edges 30 --steps 600 --out pruned"
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
                "Test this circuit instead of one that is found: EAP-IG's JSON or .pt, this command's circuit.json, or"
                        + " a list of edges, with the names of ACDC or auto-circuit too."
            })
    private @Nullable String evaluate;

    @Option(
            names = "--scores",
            paramLabel = "FILE",
            description = {
                "Take the scores of edges from here instead of a method: EAP-IG's JSON or .pt, or MIB's folder with one"
                        + " (importances.json)."
            })
    private @Nullable String given;

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
        if (evaluate != null && (compare || circuitOptions.isSearch())) {
            throw new BadInputException(
                    "--evaluate tests a circuit that is there; --compare and --method acdc or" + " iterative find one");
        }
        if (given != null && (circuitOptions.isGiven() || compare)) {
            throw new BadInputException("--scores stands in place of --method, and does not go with --compare");
        }
        if (compare && (circuitOptions.isGiven() || options.tables().isAsked())) {
            throw new BadInputException(
                    "--compare takes every method and writes no files; --method and --out go without it");
        }
        if (circuitOptions.isResumed() && !options.tables().isAsked()) {
            throw new BadInputException("--resume goes on from what is kept in the folder of --out, which is missing");
        }
        if (evaluate != null) {
            ModelOptions.readable("--evaluate", evaluate);
        }
        if (known != null) {
            ModelOptions.readable("--known", known);
        }
        if (given != null && !Files.isDirectory(ModelOptions.path("--scores", given))) {
            ModelOptions.readable("--scores", given);
        }
        options.tables().requireFree(CircuitReport.names());
    }

    @Override
    public void run() {
        try (Study study = options.open(console)) {
            Optional<Circuit> tested = Optional.ofNullable(evaluate).map(file -> tested(file, study.config()));
            Optional<EdgeScores> scores = Optional.ofNullable(given)
                    .map(file -> GraphFile.readScores(ModelOptions.path("--scores", file), study.config()));
            Optional<Circuit> right = Optional.ofNullable(known)
                    .map(file -> EdgeList.read(ModelOptions.path("--known", file), study.config()));
            int all = Circuit.empty(study.config()).graphSize();
            circuitOptions.edges(all); // refuses more than there are before anything is run
            Optional<Path> folder = options.tables().folder(CircuitReport.names());
            List<PromptPairs> split = options.pairs().split(study.pairs(), study.config(), study.vocabulary());
            try (Gpt2 model = study.start()) {
                Experiment first = start(model, split.get(0));
                Ablation ablation = ablation(first);
                CircuitExperiment found = CircuitExperiment.of(first, ablation, circuitOptions.input());
                CircuitExperiment judged = split.get(1).equals(split.get(0))
                        ? found
                        : CircuitExperiment.of(start(model, split.get(1)), ablation, circuitOptions.input());
                if (compare) {
                    compare(study, found, judged, right);
                } else {
                    find(study, model, found, judged, tested, scores, right, folder);
                }
            }
        }
    }

    private static Circuit tested(String file, Gpt2Config config) {
        Circuit circuit = EdgeList.read(ModelOptions.path("--evaluate", file), config);
        if (circuit.size() == 0) {
            throw new BadInputException(
                    file + ": no edge is in the graph; have its edges chosen by their scores (--scores)");
        }
        return circuit;
    }

    private Experiment start(Gpt2 model, PromptPairs pairs) {
        return Experiment.start(model, pairs, options.metric());
    }

    /** The constants of optimal ablation come from the pairs that the circuit is found on. */
    private Ablation ablation(Experiment found) {
        OptionalInt steps = circuitOptions.optimalSteps();
        if (steps.isEmpty()) {
            return circuitOptions.ablation(options.pairs().seed());
        }
        int nodes = new ComputationGraph(found.config()).senders().size();
        try (ConsoleProgress progress = new ConsoleProgress(console, "optimal ablation", "nodes", nodes)) {
            return OptimalAblation.fit(found, circuitOptions.input(), steps.getAsInt(), steps(progress))
                    .ablation();
        }
    }

    private void find(
            Study study,
            Gpt2 model,
            CircuitExperiment found,
            CircuitExperiment judged,
            Optional<Circuit> tested,
            Optional<EdgeScores> read,
            Optional<Circuit> right,
            Optional<Path> folder) {
        long seed = options.pairs().seed();
        EdgeScoring scoring = circuitOptions.scoring(seed, found.full().graphSize());
        Optional<Path> journal = folder.map(path -> path.resolve(".circuit-scores.progress"))
                .filter(path -> scoring instanceof EdgeScoring.Exact || scoring instanceof EdgeScoring.Masks);
        Optional<Path> decisions = folder.map(path -> path.resolve(".circuit-acdc.progress"));
        EdgeScores scores = read.orElseGet(() -> score(found, scoring, journal));
        Optional<IterativeAblation> iterative = circuitOptions.isIterative()
                ? Optional.of(
                        IterativeAblation.run(found, IterativeAblation.headsAndMlps(found), circuitOptions.threshold()))
                : Optional.empty();
        boolean selected = tested.isEmpty() && !circuitOptions.isSearch();
        Circuit circuit;
        String origin;
        int asked = 0;
        if (tested.isPresent()) {
            circuit = tested.get();
            origin = String.valueOf(evaluate);
        } else if (iterative.isPresent()) {
            circuit = iterative.get().circuit(found, essential(iterative.get()).essential());
            origin =
                    "iterative ablation, threshold " + circuitOptions.threshold() + ", order " + circuitOptions.order();
        } else if (circuitOptions.isAcdc()) {
            circuit = search(found, decisions);
            origin = "acdc, tau " + circuitOptions.tau() + (circuitOptions.isAbsolute() ? " absolute" : "") + ", "
                    + found.metric().name();
        } else {
            Circuit whole = circuitOptions.select(scores);
            asked = whole.size();
            circuit = whole.pruned();
            origin = scores.method();
        }
        EdgeScores random = new EdgeScoring.Random(seed).score(found);
        CircuitEvaluation evaluation = CircuitEvaluation.measure(judged, circuit);
        NodeRoles roles = new NodeRoles(circuit, kinds(study, model, found, circuit));
        CircuitReport report = new CircuitReport(
                study.model(),
                study.checkpoint().files().stream()
                        .map(file -> Map.of("name", file.name(), "sha256", file.sha256()))
                        .toList(),
                spec.commandLine().getParseResult().originalArgs(),
                origin,
                found,
                judged,
                circuitOptions.selection(),
                asked,
                seed,
                scores,
                evaluation,
                ClaimsReport.of(judged, evaluation, roles, circuitOptions.draws(), seed),
                judged.effects(circuit.edges()),
                curves(judged, List.of(scores, random), false),
                curves(judged, List.of(scores, random), true),
                selected && scores.pairs() > 1
                        ? Optional.of(ScoreStability.measure(scores, circuitOptions::select, STABILITY_ROUNDS, seed))
                        : Optional.empty(),
                right.map(of -> CircuitRecovery.of(scores, of, true)),
                right.map(of -> CircuitRecovery.of(scores, of, false)),
                new NodesReport(scores, circuit, iterative, patches(found)),
                roles);
        if (options.json()) {
            JsonOutput.print(console, report::writeJson);
        } else {
            report.show(console);
        }
        folder.ifPresent(path -> report.write(console, path, options.json()));
        journal.ifPresent(CircuitCommand::delete);
        decisions.ifPresent(CircuitCommand::delete);
    }

    private IterativeAblation.Outcome essential(IterativeAblation found) {
        return switch (circuitOptions.order()) {
            case SINGLE -> found.single();
            case LOGITS -> found.fromLogits();
            case EFFECT -> found.byEffect();
        };
    }

    /** Estimates by position, neuron, query and key, which a score of nodes sums up. */
    private Optional<AttributionPatches> patches(CircuitExperiment found) {
        return circuitOptions.scoresNodes() && found.ablation() instanceof Ablation.CounterfactualAblation
                ? Optional.of(AttributionPatches.measure(found.experiment()))
                : Optional.empty();
    }

    private EdgeScores score(CircuitExperiment found, EdgeScoring scoring, Optional<Path> journal) {
        SweepOptions sweep =
                journal.map(file -> SweepOptions.none().journal(file)).orElse(SweepOptions.none());
        long total = scoring instanceof EdgeScoring.Masks masks
                ? masks.settings().steps()
                : (long) found.full().graphSize() * found.pairs().size();
        String steps = scoring instanceof EdgeScoring.Masks ? "steps" : "edits";
        try (ConsoleProgress progress = new ConsoleProgress(console, "circuit", steps, total);
                StopNotice notice = new StopNotice(console, "the same command goes on where this one was")) {
            if (journal.isEmpty()) {
                notice.cancel();
            }
            return scoring.score(found, sweep.progress(steps(progress)));
        }
    }

    private Circuit search(CircuitExperiment found, Optional<Path> journal) {
        SweepOptions sweep =
                journal.map(file -> SweepOptions.none().journal(file)).orElse(SweepOptions.none());
        try (ConsoleProgress progress = new ConsoleProgress(
                        console, "circuit", "edges", found.full().graphSize());
                StopNotice notice = new StopNotice(console, "the same command goes on where this one was")) {
            if (journal.isEmpty()) {
                notice.cancel();
            }
            return Acdc.search(
                            found, circuitOptions.tau(), circuitOptions.isAbsolute(), sweep.progress(steps(progress)))
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
