package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.feature.InterpretableLatents;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.measure.DensityPicture;
import dev.hyaline.analysis.sparse.measure.SaeEvaluation;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Disk;
import dev.hyaline.files.PartialFile;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.ConceptOptions;
import dev.hyaline.tools.option.ModelRunOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.SaeSource;
import dev.hyaline.tools.option.TextOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline sae evaluate}: how good an autoencoder is. */
@Command(
        name = "evaluate",
        header = "Measures an autoencoder on texts, under SAEBench's names.",
        description = {
            "",
            "Says how much of the activations it reconstructs, how sparse its latents are, and what the model loses"
                    + " with reconstructions in their place; zeros there are the scale (ce_loss_with_ablation)."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sae evaluate --sae hyaline-sae",
            "  hyaline sae evaluate --sae DIR --model gpt2 --prompts corpus.jsonl --json"
        })
public final class SaeEvaluateCommand implements Runnable, CheckedOptions {
    private static final int TEXTS = 128;
    private static final int BARS = 40;
    private static final String PICTURE = "--picture";

    private final Console console;

    @Mixin
    private SaeSource source;

    @Mixin
    private TextOptions texts;

    @Mixin
    private ConceptOptions concepts;

    @Option(
            names = PICTURE,
            paramLabel = "FILE",
            description = "Also draw how often latents fire, as an .svg or .png file; must not exist.")
    private String picture = "";

    @Mixin
    private ModelRunOptions run;

    SaeEvaluateCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (picture.isEmpty()) {
            return;
        }
        PathOption.newFile(PICTURE, picture);
        if (!picture.endsWith(".svg") && !picture.endsWith(".png")) {
            throw new BadInputException("--picture: a picture is an .svg or .png file, found " + picture);
        }
    }

    @Override
    public void run() {
        SaeFile sae = source.read(console);
        try (Checkpoint checkpoint = run.open(console);
                Gpt2 model = run.start(checkpoint, console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Attachment attachment = source.attach(sae, model, console);
            Prompts prompts = texts.prompts(model, vocabulary, TEXTS, console);
            Set<Integer> excluded = texts.excluded(vocabulary);
            SaeEvaluation evaluation;
            try (ConsoleProgress progress = new ConsoleProgress(console, "measure", "tokens", prompts.totalTokens())) {
                evaluation = SaeEvaluation.measure(model, attachment, prompts, excluded, progress::advance);
            }
            @Nullable
            InterpretableLatents interpretable = concepts.isGiven()
                    ? InterpretableLatents.of(
                            LatentStudy.of(model, attachment, prompts, excluded), concepts.sets(vocabulary))
                    : null;
            if (!picture.isEmpty()) {
                draw(checkpoint, attachment, evaluation);
            }
            if (run.json()) {
                json(evaluation, interpretable);
            } else {
                show(attachment, evaluation, excluded);
                if (interpretable != null) {
                    show(interpretable);
                }
            }
        }
    }

    private void draw(Checkpoint checkpoint, Attachment attachment, SaeEvaluation evaluation) {
        DensityPicture drawn = DensityPicture.of(
                "How often latents fire: " + source.name(),
                checkpoint.name() + ", " + attachment.place() + ", " + evaluation.tokens() + " tokens of "
                        + texts.description(),
                evaluation.densities(),
                evaluation.tokens());
        Path file = PathOption.parse(PICTURE, picture);
        byte[] bytes = picture.endsWith(".png") ? drawn.png() : drawn.svg().getBytes(StandardCharsets.UTF_8);
        try {
            Disk.createParent(file.toAbsolutePath());
            PartialFile.write(file, run.record(PICTURE, checkpoint).into(picture, bytes));
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    private void show(InterpretableLatents found) {
        console.out().println();
        console.out()
                .println(String.format(
                        Locale.ROOT,
                        "%d of %d latents that fire say one nameable thing (%.1f %%): F1 of at least %.1f on the texts"
                                + " that they were not chosen on; %d labels; %d with permuted labels",
                        found.count(),
                        found.alive(),
                        100 * found.share(),
                        InterpretableLatents.ENOUGH,
                        found.labels(),
                        found.countPermuted()));
    }

    private void json(SaeEvaluation evaluation, @Nullable InterpretableLatents interpretable) {
        JsonOutput.print(console, json -> {
            json.writeNumberProperty("tokens", evaluation.tokens());
            evaluation.values().forEach((name, value) -> JsonOutput.number(json, name, value));
            if (interpretable != null) {
                json.writeNumberProperty("interpretable", interpretable.count());
                json.writeNumberProperty("interpretable_of", interpretable.alive());
                json.writeNumberProperty("interpretable_labels", interpretable.labels());
                json.writeNumberProperty("interpretable_with_permuted_labels", interpretable.countPermuted());
            }
            array(json, "densities", evaluation.densities());
            array(json, "consistent_activation_heuristic", evaluation.consistentActivation());
        });
    }

    private static void array(JsonGenerator json, String name, float[] values) {
        json.writeArrayPropertyStart(name);
        for (float value : values) {
            json.writeNumber(value);
        }
        json.writeEndArray();
    }

    private void show(Attachment attachment, SaeEvaluation evaluation, Set<Integer> excluded) {
        console.out()
                .println(console.bold(attachment.place()) + "  " + evaluation.tokens() + " tokens, "
                        + texts.description() + (excluded.isEmpty() ? "" : "; without special tokens"));
        console.out().println();
        Table table = new Table("measure", ">value");
        evaluation.values().forEach((name, value) -> table.row(name, String.format(Locale.ROOT, "%.4f", value)));
        table.print(console);
        console.out().println();
        densities(evaluation.densities());
    }

    /** How often latents fire, as bars of a histogram of the logarithm. */
    private void densities(float[] densities) {
        int[] counts = new int[6];
        for (float density : densities) {
            counts[density == 0 ? 0 : Math.clamp((int) Math.ceil(Math.log10(density)) + 5, 1, 5)]++;
        }
        int most = 1;
        for (int count : counts) {
            most = Math.max(most, count);
        }
        String[] names = {"never", "to 1e-4", "to 1e-3", "to 1e-2", "to 1e-1", "above"};
        Table table = new Table("share of tokens", ">latents", "");
        for (int i = 0; i < counts.length; i++) {
            table.row(names[i], String.valueOf(counts[i]), "#".repeat(counts[i] * BARS / most));
        }
        table.print(console);
    }
}
