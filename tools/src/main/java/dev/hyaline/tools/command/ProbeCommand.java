package dev.hyaline.tools.command;

import dev.hyaline.analysis.probe.AlignmentSearch;
import dev.hyaline.analysis.probe.AlignmentStudy;
import dev.hyaline.analysis.probe.DirectionTests;
import dev.hyaline.analysis.probe.ErasedStudy;
import dev.hyaline.analysis.probe.Erasure;
import dev.hyaline.analysis.probe.Folds;
import dev.hyaline.analysis.probe.Inlp;
import dev.hyaline.analysis.probe.LabelledRows;
import dev.hyaline.analysis.probe.Leace;
import dev.hyaline.analysis.probe.ProbeMethod;
import dev.hyaline.analysis.probe.ProbeStudy;
import dev.hyaline.analysis.probe.ProbedPrompts;
import dev.hyaline.analysis.probe.RandomDirections;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.weights.Matrix;
import dev.hyaline.tools.option.AnalysisOptions;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.ProbeOptions;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.report.ProbeReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline probe}: what linear probes read from activations, and whether the model uses it. */
@Command(
        name = "probe",
        header = "Finds what activations say, and whether the model uses it.",
        description = {
            "",
            "Fits a linear probe for a label at every layer and position, on names that it is not tested on, beside a"
                    + " control task whose labels were drawn by lot. Then edits the direction between the classes and"
                    + " random ones: a probe may read what the model does not use."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline probe                                     gender, from a name, in the built-in model",
            "  hyaline probe --erase leace --layers 2 --positions end",
            "  hyaline probe --das 2 --layers 2 --positions end",
            "  hyaline probe --task ioi-abba --label gender:S1 --method lda --out probes",
            "  hyaline probe --labels labels.csv --site mlp_out"
        })
public final class ProbeCommand implements Runnable, CheckedOptions {
    private static final int INTERVENED_PAIRS = 48;
    private static final int INLP_STEPS = 8;
    private static final List<String> METHODS = List.of("logistic", "ridge", "mass-mean", "lda", "k-sparse");

    /** The kinds of probes. */
    static final class Methods extends Choice<String> {
        Methods() {
            super(METHODS);
        }
    }

    /** The ways to divide rows. */
    static final class Splits extends Choice<String> {
        Splits() {
            super(List.of("type", "row"));
        }
    }

    /** The ways to erase a concept. */
    static final class Erasures extends Choice<String> {
        Erasures() {
            super(List.of("leace", "inlp"));
        }
    }

    private final Console console;

    @Mixin
    private ProbeOptions prompts;

    @Option(
            names = "--site",
            paramLabel = "SITE",
            description = "The site that is probed, such as mlp_out. Default: ${DEFAULT-VALUE}")
    private String site = "resid_post";

    @Option(
            names = {"-l", "--layers"},
            paramLabel = "LAYERS",
            description = "Only these layers: 0,3-5,-1. Default: all")
    private @Nullable String layers;

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            completionCandidates = Methods.class,
            converter = Methods.class,
            description = "The probe: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private String method = "logistic";

    @Option(names = "--k", paramLabel = "K", description = "Columns that a k-sparse probe reads. Default: 5")
    private @Nullable Integer k;

    @Option(
            names = "--split",
            paramLabel = "BY",
            completionCandidates = Splits.class,
            converter = Splits.class,
            description = {
                "What is held out together: type, what carries the label (a task's names, a file's groups), or row."
                        + " Default: type"
            })
    private String split = "type";

    @Option(names = "--folds", paramLabel = "N", description = "Parts held out in turn. Default: ${DEFAULT-VALUE}")
    private int folds = 5;

    @Option(
            names = "--erase",
            paramLabel = "HOW",
            completionCandidates = Erasures.class,
            converter = Erasures.class,
            description = {
                "Also erase the label at each layer and position by itself (${COMPLETION-CANDIDATES}), and show what"
                        + " is left of the probe there and of what the model says."
            })
    private @Nullable String erase;

    @Option(
            names = "--interventions",
            paramLabel = "N",
            description = {
                "Random directions that edits of the direction are compared with, at least "
                        + RandomDirections.MIN_COUNT + "; 0 for no edits. A task's labels of two classes only."
                        + " Default: " + RandomDirections.COUNT
            })
    private @Nullable Integer interventions;

    @Option(
            names = "--das",
            paramLabel = "K",
            description = {
                "Also search, at each layer and position, for K directions along which the other prompt's values make"
                        + " the model say the other answer, and show the share of unseen pairs that follow. A task's"
                        + " labels of two classes only."
            })
    private @Nullable Integer das;

    @Mixin
    private TopOption top;

    @Mixin
    private AnalysisOptions options;

    public ProbeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        CheckedOptions.requireAtLeast("--folds", 2, folds);
        if (k != null && !method.equals("k-sparse")) {
            throw new BadInputException("--k is of --method k-sparse, found --method " + method);
        }
        CheckedOptions.requireAtLeast("--k", 1, k == null ? 1 : k);
        CheckedOptions.requireRandomDirections(interventions);
        if (interventions != null && interventions > 0 && !prompts.hasAnswers()) {
            throw new BadInputException("--interventions needs the answers of a task, but --labels has none");
        }
        CheckedOptions.requireAtLeast("--das", 1, das == null ? 1 : das);
        if (das != null && !prompts.hasAnswers()) {
            throw new BadInputException("--das needs the pairs of a task, but --labels has none");
        }
        probed();
        if (layers != null) {
            SelectionOptions.indices("--layers", layers);
        }
        options.tables().requireFree(names());
    }

    private String[] names() {
        List<String> names = new ArrayList<>(List.of("probe", "interventions"));
        if (erase != null) {
            names.add("erased");
        }
        if (das != null) {
            names.add("das");
        }
        return names.toArray(String[]::new);
    }

    /** The site, which must have a row of values for each token of each layer. */
    private Site probed() {
        Site named = HookPoints.site(site);
        if (!named.perLayer() || named.isMap() || named.shape().byHead()) {
            throw new BadInputException("--site: a probe reads a site of every layer with one row of values per token,"
                    + " such as resid_post or mlp_out, found " + site);
        }
        return named;
    }

    private ProbeMethod method() {
        return switch (method) {
            case "logistic" -> new ProbeMethod.Logistic();
            case "ridge" -> new ProbeMethod.Ridge(1);
            case "mass-mean" -> new ProbeMethod.MassMean();
            case "lda" -> new ProbeMethod.Lda(0);
            default -> new ProbeMethod.KSparse(k == null ? 5 : k, 1);
        };
    }

    @Override
    public void run() {
        try (Checkpoint checkpoint = options.open(console)) {
            Gpt2Config config = checkpoint.config();
            ProbeOptions.Probed probed = prompts.read(config, new ModelVocabulary(checkpoint));
            int[] chosen = (layers == null ? IndexSelection.all() : SelectionOptions.indices("--layers", layers))
                    .in(config.nLayers(), "layer");
            List<HookPoint> points = IntStream.of(chosen)
                    .mapToObj(layer -> HookPoint.of(probed(), layer))
                    .toList();
            Axis layerAxis = new Axis(
                    "layer", IntStream.of(chosen).mapToObj(String::valueOf).toList());
            Folds divided = divide(probed.prompts());
            Optional<TableFolder> folder = options.tables().folder(checkpoint, names());
            try (Gpt2 model = options.start(options.weights(checkpoint), console)) {
                String origin = checkpoint.name() + ", " + probed.origin() + ", " + site + ", " + method;
                ProbeStudy study = ProbeStudy.of(
                        model,
                        probed.prompts(),
                        probed.name(),
                        points,
                        layerAxis,
                        method(),
                        divided,
                        probed.prompts().types(),
                        prompts.seed());
                @Nullable DirectionTests tests = tests(model, probed, study, layerAxis);
                List<ErasedStudy> erased =
                        erase == null ? List.of() : ErasedStudy.of(model, probed.pairs(), study, method(), erasure());
                @Nullable AlignmentStudy aligned = aligned(model, probed, study, layerAxis);
                Map<String, ResultTable> tables = new LinkedHashMap<>();
                tables.put("probe", study.accuracy().from(origin));
                if (tests != null) {
                    tables.put("interventions", tests.effects().from(origin));
                }
                if (!erased.isEmpty()) {
                    tables.put("erased", table(study, erased, layerAxis).from(origin));
                }
                if (aligned != null) {
                    tables.put("das", aligned.accuracy().from(origin));
                }
                ProbeReport report = new ProbeReport(console, study, tests, erased, aligned, prompts.seed(), top);
                if (options.json()) {
                    report.json(checkpoint.name(), settings(), tables);
                } else {
                    report.print(checkpoint.name(), probed.origin(), settings());
                }
                folder.ifPresent(out -> out.write(console, tables, options.json()));
            }
        }
    }

    private ProbeReport.Settings settings() {
        return new ProbeReport.Settings(site, method, split, folds, erase);
    }

    private Folds divide(ProbedPrompts probed) {
        // The folds depend on labels alone, and are the same at every layer and position.
        LabelledRows labelled = LabelledRows.of(
                new Matrix(probed.labels().length, 1, new double[probed.labels().length]),
                probed.labels(),
                probed.classes());
        return split.equals("row") ? Folds.stratified(labelled, folds) : Folds.grouped(labelled, probed.types(), folds);
    }

    private Erasure erasure() {
        return "inlp".equals(erase) ? new Inlp(new ProbeMethod.Logistic(), INLP_STEPS) : new Leace();
    }

    private @Nullable DirectionTests tests(Gpt2 model, ProbeOptions.Probed probed, ProbeStudy study, Axis layerAxis) {
        int random = interventions == null ? RandomDirections.COUNT : interventions;
        if (random == 0 || probed.pairs() == null) {
            return null;
        }
        if (study.prompts().classes().size() != 2) {
            if (interventions != null) {
                throw new BadInputException("--interventions edits the direction between two classes, found "
                        + study.prompts().classes().size());
            }
            return null;
        }
        return DirectionTests.of(model, probed.pairs(), study, layerAxis, INTERVENED_PAIRS, random, prompts.seed());
    }

    private @Nullable AlignmentStudy aligned(Gpt2 model, ProbeOptions.Probed probed, ProbeStudy study, Axis layerAxis) {
        if (das == null || probed.pairs() == null) {
            return null;
        }
        if (study.prompts().classes().size() != 2) {
            throw new BadInputException("--das needs a label of two classes, found "
                    + study.prompts().classes().size());
        }
        int columns = study.cells().getFirst().rows().columns();
        if (das > columns) {
            throw new BadInputException(
                    "--das must be at most " + columns + ", the values per token of " + site + ", found " + das);
        }
        return AlignmentStudy.of(
                model, probed.pairs(), study, layerAxis, AlignmentSearch.of(das).seed(prompts.seed()));
    }

    private static ResultTable table(ProbeStudy study, List<ErasedStudy> erased, Axis layerAxis) {
        List<String> samples = study.accuracy().samples();
        int n = samples.size();
        double[] values = new double[erased.size() * n];
        for (int i = 0; i < erased.size(); i++) {
            System.arraycopy(erased.get(i).after().correct(), 0, values, i * n, n);
        }
        return ResultTable.of(
                        "Accuracy of a probe after its label was erased",
                        "accuracy",
                        "",
                        List.of(layerAxis, study.prompts().axis()),
                        samples,
                        values)
                .ofSamples("prompts")
                .ofUnits(study.prompts().types())
                .neutralAt(study.cells().getFirst().rows().majority());
    }
}
