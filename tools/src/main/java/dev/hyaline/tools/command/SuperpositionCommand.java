package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.superposition.FeatureTests;
import dev.hyaline.analysis.superposition.LayerSuperposition;
import dev.hyaline.analysis.superposition.SuperpositionStudy;
import dev.hyaline.analysis.superposition.ToySetting;
import dev.hyaline.analysis.superposition.ToyTraining;
import dev.hyaline.analysis.superposition.TrainedToy;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.EscapedText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.ConceptOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.LayerStudyOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TableOptions;
import dev.hyaline.tools.option.TextOptions;
import dev.hyaline.tools.option.ToyOptions;
import dev.hyaline.tools.option.WeightOptions;
import dev.hyaline.tools.report.LayerReport;
import dev.hyaline.tools.report.ToyReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.StageProgress;
import dev.hyaline.weights.Checkpoint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline superposition}: more features than dimensions. */
@Command(
        name = "superposition",
        header = "Shows how a layer's features share its dimensions.",
        description = {
            "",
            "Learns a dictionary ten times as wide as a layer, by sparse coding and by an autoencoder, and measures"
                + " both on other texts: how sparse, interpretable and stable they are, and how their features share"
                + " dimensions. Then edits the strongest features and random directions, to see whether the model uses"
                + " them. With --toy, trains the toy models of Elhage et al. 2022, whose answers are known."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline superposition --out layer             resid_post of the middle layer",
            "  hyaline superposition --site resid_post --layers 2 --alpha 0.5",
            "  hyaline superposition --sae hyaline-sae --prompts corpus.txt --model gpt2",
            "  hyaline superposition --toy --out toys",
            "  hyaline superposition --toy --features 5 --hidden 2 --densities 0.9,0.05",
        })
public final class SuperpositionCommand implements Runnable, CheckedOptions {
    private static final Pattern TOKEN = Pattern.compile("^(.* )in token (\\d+)$");
    private static final int TEXTS = 640;
    private static final int HELD_OUT = 4;

    private final Console console;

    @Mixin
    private LayerStudyOptions options;

    @Mixin
    private TextOptions texts;

    @Mixin
    private ConceptOptions concepts;

    @Mixin
    private ToyOptions toys;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "What weights and order depend on. Default: ${DEFAULT-VALUE}")
    private long seed = 1;

    @Mixin
    private TableOptions tables;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private WeightOptions weightOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private CommonOptions common;

    SuperpositionCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (toys.isAsked() && (options.isGiven() || concepts.isGiven())) {
            throw new BadInputException("--toy trains toy models, which have no site, autoencoder, alpha or concepts");
        }
        if (toys.isAsked() && (texts.isGiven() || !modelOptions.isDefault())) {
            throw new BadInputException("--toy trains toy models, which need no --model and no texts");
        }
        tables.requireFree(toys.isAsked() ? ToyReport.names() : LayerReport.names());
    }

    @Override
    public void run() {
        if (toys.isAsked()) {
            toy();
        } else {
            layer();
        }
    }

    private void layer() {
        SparseAutoencoder autoencoder = options.autoencoder(console);
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            HookPoint site = options.site(checkpoint.config(), autoencoder);
            SuperpositionStudy study = options.study(site, seed, autoencoder);
            try (Gpt2 model = engineOptions.open(weightOptions.weights(checkpoint), console)) {
                layer(checkpoint, model, study);
            }
        }
    }

    private void layer(Checkpoint checkpoint, Gpt2 model, SuperpositionStudy study) {
        ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
        List<Document> documents = texts.documents(model, vocabulary, TEXTS, console);
        int first = documents.size() - Math.max(1, documents.size() / HELD_OUT);
        if (first < 1) {
            throw new BadInputException(
                    "a study needs at least 2 texts, one to learn from and one to measure on, found "
                            + documents.size());
        }
        List<Document> held = documents.subList(first, documents.size());
        Prompts heldOut = Prompts.of(
                model.config(),
                held.stream().map(Document::tokens).toList(),
                held.stream().map(Document::name).toList());
        LayerSuperposition found;
        try (StageProgress progress = new StageProgress(console)) {
            found = study.run(
                    model,
                    Corpus.of(documents.subList(0, first)),
                    heldOut,
                    texts.excluded(vocabulary),
                    concepts.setsAndTokens(vocabulary, heldOut),
                    engineOptions.threads(),
                    progress::advanced);
        }
        List<FeatureTests> tests = options.tests(model, found, vocabulary, texts.excluded(vocabulary), seed);
        LayerReport report = new LayerReport(
                checkpoint.name(),
                texts.description(),
                found,
                tests,
                options.testedOn(),
                label -> named(label, vocabulary));
        if (common.json) {
            JsonOutput.print(console, report::writeJson);
        } else {
            report.show(console);
        }
        tables.folder(checkpoint, LayerReport.names()).ifPresent(folder -> {
            if (!common.json) {
                console.out().println();
            }
            folder.write(console, report.tables(), common.json);
            write(folder, report.files());
        });
    }

    /** A label with the text of a token in place of its number. */
    private static String named(String label, ModelVocabulary vocabulary) {
        Matcher matcher = TOKEN.matcher(label);
        return matcher.find()
                ? matcher.group(1) + "'" + EscapedText.plain(vocabulary.text(Integer.parseInt(matcher.group(2)))) + "'"
                : label;
    }

    private void toy() {
        Map<String, List<ToySetting>> settings = toys.settings(seed);
        List<ToySetting> all = settings.values().stream().flatMap(List::stream).toList();
        List<TrainedToy> trained;
        try (ConsoleProgress progress =
                new ConsoleProgress(console, "train", "models", (long) all.size() * toys.instances())) {
            trained = ToyTraining.best(all, toys.instances(), () -> progress.advance(1));
        }
        Map<String, List<TrainedToy>> groups = new LinkedHashMap<>();
        int from = 0;
        for (Map.Entry<String, List<ToySetting>> group : settings.entrySet()) {
            int end = from + group.getValue().size();
            groups.put(group.getKey(), trained.subList(from, end));
            from = end;
        }
        ToyReport report = new ToyReport(groups, toys.instances());
        if (common.json) {
            JsonOutput.print(console, report::writeJson);
        } else {
            report.show(console);
        }
        tables.folder(null, ToyReport.names()).ifPresent(folder -> write(folder, report.files()));
    }

    private void write(TableFolder folder, Map<String, byte[]> files) {
        folder.writeFiles(files);
        if (!common.json) {
            console.out().println();
            console.lines("Wrote " + String.join(", ", files.keySet()) + " to " + folder.path());
        }
    }
}
