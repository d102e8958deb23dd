package dev.hyaline.tools.command;

import dev.hyaline.analysis.attention.HeadClass;
import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.circuit.Acdc;
import dev.hyaline.analysis.circuit.AttributionGraph;
import dev.hyaline.analysis.circuit.AttributionPatches;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
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
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CircuitView;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CircuitOptions;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.report.AttributionReport;
import dev.hyaline.tools.report.CircuitComparison;
import dev.hyaline.tools.report.CircuitReport;
import dev.hyaline.tools.report.ClaimsReport;
import dev.hyaline.tools.report.CurvesReport;
import dev.hyaline.tools.report.EdgesReport;
import dev.hyaline.tools.report.IterativeReport;
import dev.hyaline.tools.report.NodeRoles;
import dev.hyaline.tools.report.NodesReport;
import dev.hyaline.tools.report.RecoveryReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.StopNotice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

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
            "  atp, atp-star      nodes by attribution patching, plain and with GradDrop; queries and keys with",
            "                     the softmax fix",
            "  hisp               nodes by mean absolute attribution",
            "  subnetwork-probing, ugs, edge-pruning",
            "                     masks of all edges, learned together; best with --metric kl",
            "  acdc               leaves edges out for good, from the logits back, while the loss allows",
            "  iterative          ablates heads and MLPs one by one, alone and on top of those not missed",
            "Exact effects, learned masks and acdc that were stopped go on with the same --out.",
            "",
            "Files of --out:",
            "  graph.json         the graph with all scores, as EAP-IG and MIB read it",
            "  circuit-tracer.json",
            "                     the circuit as circuit-tracer and Neuronpedia show it; heads' inputs as one",
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
            "  hyaline circuit --traced graph.json --html graph.html",
            "  hyaline circuit --scores ioi_gpt2 -m gpt2        scores from elsewhere: EAP-IG's, MIB's",
            "  hyaline circuit --method acdc --tau 0.05 --metric kl",
            "  hyaline circuit --method iterative --threshold 0.8 --ablation mean",
            "  hyaline circuit --method edge-pruning --metric kl --edges 30 --steps 600 --out pruned"
        })
public final class CircuitCommand implements Runnable, CheckedOptions {
    private static final double HEAD_THRESHOLD = 0.4;
    private static final int STABILITY_ROUNDS = 20;

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
            paramLabel = "PATH",
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

    @Option(
            names = "--traced",
            paramLabel = "FILE",
            description = "Show a graph of circuit-tracer's as a page (--html) instead, and stop. No model is run.")
    private @Nullable String traced;

    @Mixin
    private TopOption top;

    @Mixin
    private PageOption page;

    @Mixin
    private StudyOptions options;

    public CircuitCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (evaluate != null && (compare || circuitOptions.isSearch())) {
            throw new BadInputException(
                    "--evaluate tests a circuit that is there; --compare and --method acdc or iterative find one");
        }
        if (traced != null) {
            PathOption.readable("--traced", traced);
            if (!page.isAsked()) {
                throw new BadInputException("--traced shows a graph as a page: name its file with --html");
            }
        }
        if (given != null && (circuitOptions.isGiven() || compare)) {
            throw new BadInputException("--scores stands in place of --method, and does not go with --compare");
        }
        if (compare && (circuitOptions.isGiven() || options.tables().isAsked() || page.isAsked())) {
            throw new BadInputException(
                    "--compare takes every method and writes no files; --method, --out and --html go without it");
        }
        if (circuitOptions.isResumed() && !options.tables().isAsked()) {
            throw new BadInputException("--resume goes on from what is kept in the folder of --out, which is missing");
        }
        if (evaluate != null) {
            PathOption.readable("--evaluate", evaluate);
        }
        if (known != null) {
            PathOption.readable("--known", known);
        }
        if (given != null) {
            PathOption.readableOrFolder("--scores", given);
        }
        options.tables().requireFree(CircuitReport.names());
    }

    @Override
    public void run() {
        if (traced != null) {
            AttributionGraph graph = AttributionGraph.read(PathOption.parse("--traced", traced));
            String title = "Attribution graph" + (graph.slug().isEmpty() ? "" : " " + graph.slug());
            ViewHeading heading = page.heading(title, graph.scan())
                    .withBasis(DisplayText.plural(graph.nodes().size(), "node") + ", "
                            + DisplayText.plural(graph.links().size(), "link"))
                    .withPrompt(graph.prompt(), List.of());
            page.write(console, null, () -> Page.of(title, CircuitView.of(heading, graph)), options.json());
            return;
        }
        try (Study study = options.open(console)) {
            @Nullable Circuit tested = evaluate == null ? null : tested(evaluate, study.config());
            @Nullable
            EdgeScores scores =
                    given == null ? null : GraphFile.readScores(PathOption.parse("--scores", given), study.config());
            @Nullable
            Circuit knownCircuit =
                    known == null ? null : EdgeList.read(PathOption.parse("--known", known), study.config());
            int all = Circuit.empty(study.config()).graphSize();
            circuitOptions.edges(all); // refuses more than there are before anything is run
            @Nullable
            TableFolder folder = options.tables()
                    .folder(study.checkpoint(), CircuitReport.names())
                    .orElse(null);
            List<PromptPairs> split = options.pairs().split(study.pairs(), study.config(), study.vocabulary());
            try (Gpt2 model = study.start()) {
                Experiment first = start(model, split.get(0));
                Ablation ablation = ablation(first);
                CircuitExperiment found = CircuitExperiment.of(first, ablation, circuitOptions.input());
                CircuitExperiment judged = split.get(1).equals(split.get(0))
                        ? found
                        : CircuitExperiment.of(start(model, split.get(1)), ablation, circuitOptions.input());
                if (compare) {
                    compare(study, found, judged, knownCircuit);
                } else {
                    find(new Inputs(study, model, found, judged), tested, scores, knownCircuit, folder);
                }
            }
        }
    }

    private static Circuit tested(String file, Gpt2Config config) {
        Circuit circuit = EdgeList.read(PathOption.parse("--evaluate", file), config);
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

    /** What a circuit is found and judged with. */
    private record Inputs(Study study, Gpt2 model, CircuitExperiment found, CircuitExperiment judged) {}

    /** A circuit, where it comes from, and the iterative ablation that found it, if one did. */
    private record Found(
            Circuit circuit,
            CircuitReport.Search search,
            @Nullable IterativeAblation iterative) {}

    private void find(
            Inputs inputs,
            @Nullable Circuit tested,
            @Nullable EdgeScores read,
            @Nullable Circuit knownCircuit,
            @Nullable TableFolder folder) {
        CircuitExperiment found = inputs.found;
        CircuitExperiment judged = inputs.judged;
        long seed = options.pairs().seed();
        EdgeScoring scoring = circuitOptions.scoring(seed, found.full().graphSize());
        boolean resumable = scoring instanceof EdgeScoring.Exact || scoring instanceof EdgeScoring.Masks;
        @Nullable
        Path journal = folder == null || !resumable ? null : folder.path().resolve(".circuit-scores.progress");
        @Nullable Path decisions = folder == null ? null : folder.path().resolve(".circuit-acdc.progress");
        EdgeScores scores = read == null ? score(found, scoring, journal) : read;
        Found chosen = tested == null
                ? choose(found, scores, decisions)
                : new Found(tested, from(String.valueOf(evaluate), 0), null);
        Circuit circuit = chosen.circuit;
        EdgeScores random = new EdgeScoring.Random(seed).score(found);
        CircuitEvaluation evaluation = CircuitEvaluation.measure(judged, circuit);
        NodeRoles roles = new NodeRoles(circuit, kinds(inputs, circuit));
        CircuitReport report = new CircuitReport(
                new CircuitReport.Subject(inputs.study.model(), inputs.study.pairsOrigin(), seed),
                chosen.search,
                found,
                judged,
                evaluation,
                nodes(scores, chosen, found, roles),
                new EdgesReport(scores, circuit, judged.pairs(), judged.effects(circuit.edges())),
                ClaimsReport.of(judged, evaluation, roles, circuitOptions.draws(), seed),
                curves(judged, List.of(scores, random)),
                tested == null && !circuitOptions.isSearch() && scores.pairs() > 1
                        ? ScoreStability.measure(scores, circuitOptions::select, STABILITY_ROUNDS, seed)
                        : null,
                knownCircuit == null ? null : RecoveryReport.of(scores, knownCircuit));
        if (options.json()) {
            JsonOutput.print(console, json -> report.writeJson(json, top));
        } else {
            report.show(console, top);
        }
        if (folder != null) {
            report.write(console, folder, options.json());
        }
        page.write(
                console,
                inputs.study.checkpoint(),
                () -> {
                    CircuitView view = report.view(page.heading("", inputs.study, options.pairs()));
                    return Page.of(view.data().heading().title(), view);
                },
                options.json());
        delete(journal);
        delete(decisions);
    }

    private Found choose(CircuitExperiment found, EdgeScores scores, @Nullable Path decisions) {
        if (circuitOptions.isIterative()) {
            IterativeAblation iterative =
                    IterativeAblation.run(found, IterativeAblation.headsAndMlps(found), circuitOptions.threshold());
            String origin =
                    "iterative ablation, threshold " + circuitOptions.threshold() + ", order " + circuitOptions.order();
            return new Found(iterative.circuit(found, essential(iterative).essential()), from(origin, 0), iterative);
        }
        if (circuitOptions.isAcdc()) {
            String origin = "acdc, tau " + circuitOptions.tau() + (circuitOptions.isAbsolute() ? " absolute" : "")
                    + ", " + found.metric().name();
            Acdc acdc = search(found, decisions);
            return new Found(
                    acdc.circuit(), new CircuitReport.Search(origin, circuitOptions.selection(), 0, acdc), null);
        }
        Circuit whole = circuitOptions.select(scores);
        return new Found(whole.pruned(), from(scores.method(), whole.size()), null);
    }

    private CircuitReport.Search from(String origin, int asked) {
        return new CircuitReport.Search(origin, circuitOptions.selection(), asked, null);
    }

    /** Nodes, with the estimates by position, neuron, query and key that a score of nodes sums up. */
    private NodesReport nodes(EdgeScores scores, Found chosen, CircuitExperiment found, NodeRoles roles) {
        boolean attributed =
                circuitOptions.scoresNodes() && found.ablation() instanceof Ablation.CounterfactualAblation;
        return new NodesReport(
                scores,
                chosen.circuit,
                roles,
                chosen.iterative == null ? null : new IterativeReport(chosen.iterative),
                attributed ? new AttributionReport(scores, AttributionPatches.measure(found.experiment())) : null);
    }

    private IterativeAblation.Outcome essential(IterativeAblation found) {
        return switch (circuitOptions.order()) {
            case SINGLE -> found.single();
            case LOGITS -> found.fromLogits();
            case EFFECT -> found.byEffect();
        };
    }

    private EdgeScores score(CircuitExperiment found, EdgeScoring scoring, @Nullable Path journal) {
        SweepOptions sweep =
                journal == null ? SweepOptions.none() : SweepOptions.none().journal(journal);
        long total = scoring instanceof EdgeScoring.Masks masks
                ? masks.settings().steps()
                : (long) found.full().graphSize() * found.pairs().size();
        String steps = scoring instanceof EdgeScoring.Masks ? "steps" : "edits";
        try (ConsoleProgress progress = new ConsoleProgress(console, "circuit", steps, total);
                StopNotice notice = new StopNotice(console, "the same command goes on where this one was")) {
            if (journal == null) {
                notice.cancel();
            }
            // A method of gradients counts its passes, of which there are few.
            boolean counted = scoring instanceof EdgeScoring.Masks || scoring instanceof EdgeScoring.Exact;
            return scoring.score(found, counted ? sweep.progress(steps(progress)) : sweep);
        }
    }

    private Acdc search(CircuitExperiment found, @Nullable Path journal) {
        SweepOptions sweep =
                journal == null ? SweepOptions.none() : SweepOptions.none().journal(journal);
        try (ConsoleProgress progress = new ConsoleProgress(
                        console, "circuit", "edges", found.full().graphSize());
                StopNotice notice = new StopNotice(console, "the same command goes on where this one was")) {
            if (journal == null) {
                notice.cancel();
            }
            return Acdc.search(
                    found, circuitOptions.tau(), circuitOptions.isAbsolute(), sweep.progress(steps(progress)));
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

    private static CurvesReport curves(CircuitExperiment judged, List<EdgeScores> scores) {
        return new CurvesReport(
                curves(judged, scores, CircuitSelection.TOP), curves(judged, scores, CircuitSelection.TOP_ABSOLUTE));
    }

    private static List<CircuitCurve> curves(
            CircuitExperiment judged, List<EdgeScores> scores, CircuitSelection selection) {
        return scores.stream()
                .map(of -> CircuitCurve.measure(
                        judged, of, of.method().equals("information-flow") ? CircuitSelection.GREEDY : selection))
                .toList();
    }

    /** What the circuit's heads look at in the clean prompts. */
    private static Map<Node, String> kinds(Inputs inputs, Circuit circuit) {
        Map<Node, String> kinds = new LinkedHashMap<>();
        if (circuit.nodes().stream().noneMatch(Node.Head.class::isInstance)) {
            return kinds;
        }
        for (HeadClass head : HeadClass.classify(
                HeadScores.measure(inputs.model, inputs.found.pairs().clean(inputs.study.config())), HEAD_THRESHOLD)) {
            Node node = new Node.Head(head.layer(), head.head());
            if (head.type() != null && circuit.nodes().contains(node)) {
                kinds.put(node, head.type());
            }
        }
        return kinds;
    }

    private void compare(
            Study study, CircuitExperiment found, CircuitExperiment judged, @Nullable Circuit knownCircuit) {
        long seed = options.pairs().seed();
        List<EdgeScores> all = new ArrayList<>();
        for (EdgeScoring scoring : circuitOptions.compared(seed, !found.metric().readsCleanRun())) {
            all.add(score(found, scoring, null));
        }
        CircuitComparison comparison =
                new CircuitComparison(study.model(), found.pairs(), judged, all, curves(judged, all), knownCircuit);
        if (options.json()) {
            JsonOutput.print(console, comparison::writeJson);
        } else {
            comparison.show(console);
        }
    }

    private static void delete(@Nullable Path journal) {
        try {
            if (journal != null) {
                Files.deleteIfExists(journal);
            }
        } catch (IOException e) {
            throw FileException.writing(journal, e);
        }
    }
}
