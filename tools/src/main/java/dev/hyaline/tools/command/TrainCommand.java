package dev.hyaline.tools.command;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.instrument.training.ModelTraining;
import dev.hyaline.instrument.training.TrainingOptions;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelShape;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.ThreadOption;
import dev.hyaline.tools.option.TrainingTexts;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.StopNotice;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline train}: trains a GPT-2. */
@Command(
        name = "train",
        header = "Trains a small GPT-2, and writes it as a folder that --model opens.",
        description = {
            "",
            "Trains a new model on texts with another's tokenizer: each step predicts the next token at every position"
                    + " of some stretches of the texts, drawn at random. AdamW, gradients clipped together, a rate that"
                    + " rises in a straight line and falls as a cosine. Without texts, it learns from what the model of"
                    + " --model writes. A run that was stopped in any way goes on with --resume and ends in the same"
                    + " weights, bit for bit."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline train                             fable's shape, on texts that fable writes",
            "  hyaline train --text shakespeare.txt --steps 2000 --out shakespeare",
            "  hyaline train --model gpt2 --prompts corpus.jsonl --n-layer 2 --n-head 4 --n-embd 128 --resume",
            "  hyaline train --model gpt2 --token-file train.bin --n-layer 6 --n-embd 384 --n-head 6",
            "  hyaline generate --model hyaline-model    then"
        })
public final class TrainCommand implements Runnable, CheckedOptions {
    /** Lines of the report on how the loss fell. */
    private static final int PARTS = 10;
    /** The model's weights, their gradients, two means of these, and the packed ones with what packing them takes. */
    private static final int BYTES_PER_PARAMETER = 24;

    private final Console console;

    @Mixin
    private TrainingTexts texts;

    @Mixin
    private ModelShape shape;

    @Option(names = "--steps", paramLabel = "N", description = "Steps in all. Default: ${DEFAULT-VALUE}")
    private int steps = 300;

    @Option(
            names = "--sequences",
            paramLabel = "N",
            description = "Stretches of text a step. Default: ${DEFAULT-VALUE}")
    private int sequences = 16;

    @Option(
            names = "--length",
            paramLabel = "N",
            description = "Tokens that a stretch predicts, at most the model's positions. Default: ${DEFAULT-VALUE}")
    private int length = 64;

    @Option(names = "--rate", paramLabel = "X", description = "Learning rate at its peak. Default: ${DEFAULT-VALUE}")
    private double rate = 1e-3;

    @Option(
            names = "--least-rate",
            paramLabel = "X",
            description = "Learning rate after the last step. Default: a tenth of --rate")
    private @Nullable Double leastRate;

    @Option(
            names = "--warmup",
            paramLabel = "N",
            description = "Steps until the rate is at its peak. Default: a tenth of --steps")
    private @Nullable Integer warmup;

    @Option(
            names = "--decay",
            paramLabel = "X",
            description = "Decay of matrices and embeddings each step, times the rate. Default: ${DEFAULT-VALUE}")
    private double decay = 0.1;

    @Option(
            names = "--clip",
            paramLabel = "X",
            description = "Longest gradient of all parameters together. Default: ${DEFAULT-VALUE}")
    private double clip = 1;

    @Option(
            names = "--beta1",
            paramLabel = "X",
            description = "Share of the mean gradient kept each step. Default: ${DEFAULT-VALUE}")
    private double beta1 = 0.9;

    @Option(
            names = "--beta2",
            paramLabel = "X",
            description = "Share of the mean square kept each step. Default: ${DEFAULT-VALUE}")
    private double beta2 = 0.95;

    @Option(
            names = "--epsilon",
            paramLabel = "X",
            description = "Added to the root of the mean square. Default: ${DEFAULT-VALUE}")
    private double epsilon = 1e-8;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "What the first weights and the draws depend on. Default: ${DEFAULT-VALUE}")
    private long seed = 1;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = {
                "Folder to write. It must not exist: a folder is never replaced, because it may hold other files."
                        + " Default: ${DEFAULT-VALUE}"
            })
    private String out = "hyaline-model";

    @Option(
            names = "--checkpoint-every",
            paramLabel = "N",
            description = "Steps after which what a run needs to go on is written beside the folder. Default:"
                    + " ${DEFAULT-VALUE}")
    private int checkpointEvery = 100;

    @Option(names = "--resume", description = "Go on with a run that was stopped; where there is none, begin.")
    private boolean resume;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private ThreadOption threads;

    @Mixin
    private CommonOptions common;

    public TrainCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        PathOption.newFolder("--out", out);
        if (!resume && Files.exists(checkpointFile())) {
            throw new BadInputException("--out: " + checkpointFile() + " is of a run that was stopped; go on with it"
                    + " (--resume), or remove it");
        }
        CheckedOptions.requireAtLeast("--checkpoint-every", 1, checkpointEvery);
        options();
    }

    private TrainingOptions options() {
        return new TrainingOptions(
                steps,
                warmup == null ? Math.max(steps, 0) / 10 : warmup,
                sequences,
                length,
                rate,
                leastRate == null ? rate / 10 : leastRate,
                beta1,
                beta2,
                epsilon,
                decay,
                clip,
                seed);
    }

    private Path checkpointFile() {
        return PathOption.parse("--out", out + ".training.safetensors");
    }

    @Override
    public void run() {
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            Gpt2Config config = shape.config(checkpoint.config());
            requirePossible(config);
            train(checkpoint, config, tokens(checkpoint, config));
        }
    }

    private void requirePossible(Gpt2Config config) {
        if (length > config.nCtx()) {
            throw new BadInputException("--length must be at most the model's " + config.nCtx() + " positions"
                    + " (--n-positions), found " + length);
        }
        long bytes = BYTES_PER_PARAMETER * config.parameters();
        if (bytes > Runtime.getRuntime().maxMemory()) {
            throw new BadInputException("to train " + DisplayText.count(config.parameters()) + " parameters takes "
                    + DisplayText.bytes(bytes) + ", but Java may use "
                    + DisplayText.bytes(Runtime.getRuntime().maxMemory()) + "; make the model smaller (--n-layer,"
                    + " --n-embd)");
        }
    }

    private int[] tokens(Checkpoint checkpoint, Gpt2Config config) {
        ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
        if (texts.isGiven()) {
            return texts.tokens(config, vocabulary);
        }
        try (Gpt2 model = Gpt2.of(checkpoint.weights(), threads.threads())) {
            return texts.written(model, vocabulary, console);
        }
    }

    private void train(Checkpoint checkpoint, Gpt2Config config, int[] tokens) {
        TrainingOptions options = options();
        CommandRecord made = common.record(null, checkpoint);
        Path file = checkpointFile();
        ModelTraining training = resume && Files.exists(file)
                ? ModelTraining.resume(file, config, tokens, options, threads.threads())
                : ModelTraining.of(Gpt2Weights.random(config, seed), tokens, options, threads.threads());
        int first = training.step();
        List<ModelTraining.StepResult> results = new ArrayList<>();
        long begin = System.nanoTime();
        try (StopNotice notice = new StopNotice(console, "the same command with --resume goes on")) {
            try (ConsoleProgress progress = new ConsoleProgress(console, "train", "steps", steps)) {
                progress.skip(first);
                while (training.step() < steps) {
                    results.add(training.next());
                    progress.advance(1);
                    if (training.step() % checkpointEvery == 0 || training.step() == steps) {
                        training.save(file, made.metadata());
                    }
                }
            }
            Map<String, byte[]> files = new LinkedHashMap<>(checkpoint.filesBesideWeights(config));
            files.put(CommandRecord.FILE, made.file());
            training.export(PathOption.parse("--out", out), files);
            notice.cancel();
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
        report(new Trained(config, tokens.length, results, (System.nanoTime() - begin) / 1e9));
    }

    /**
     * A run that has ended.
     *
     * @param tokens of the texts
     * @param steps that this run took
     */
    private record Trained(Gpt2Config config, int tokens, List<ModelTraining.StepResult> steps, double seconds) {
        /** The mean of some steps, which stands at the last of them. */
        private ModelTraining.StepResult mean(int from, int end) {
            List<ModelTraining.StepResult> some = steps.subList(from, end);
            return new ModelTraining.StepResult(
                    some.getLast().step() + 1,
                    some.stream()
                            .mapToDouble(ModelTraining.StepResult::loss)
                            .average()
                            .orElseThrow(),
                    some.stream()
                            .mapToDouble(ModelTraining.StepResult::gradientNorm)
                            .average()
                            .orElseThrow(),
                    some.getLast().rate());
        }

        /** The means of equal parts of the run. */
        List<ModelTraining.StepResult> parts() {
            int count = Math.min(PARTS, steps.size());
            List<ModelTraining.StepResult> parts = new ArrayList<>();
            for (int part = 0; part < count; part++) {
                parts.add(mean(
                        (int) ((long) steps.size() * part / count), (int) ((long) steps.size() * (part + 1) / count)));
            }
            return parts;
        }
    }

    private void report(Trained trained) {
        long predicted = (long) trained.steps.size() * sequences * length;
        if (common.json) {
            JsonOutput.print(console, json -> json(json, trained, predicted));
            return;
        }
        Table table = new Table(">step", ">loss", ">gradient", ">rate");
        for (ModelTraining.StepResult part : trained.parts()) {
            table.row(
                    String.valueOf(part.step()),
                    String.format(Locale.ROOT, "%.4f", part.loss()),
                    String.format(Locale.ROOT, "%.3f", part.gradientNorm()),
                    String.format(Locale.ROOT, "%.2e", part.rate()));
        }
        console.out()
                .println(String.format(
                        Locale.ROOT,
                        "Trained %s parameters on %s tokens of text in %.1f s (%.0f tokens/s)",
                        DisplayText.count(trained.config.parameters()),
                        DisplayText.count(trained.tokens),
                        trained.seconds,
                        predicted / trained.seconds));
        console.out().println();
        table.print(console);
        console.out().println();
        console.out().println("Loss: the mean cross-entropy of the steps up to this one, in nats a token.");
        console.out().println("Wrote " + out);
    }

    private void json(JsonGenerator json, Trained trained, long predicted) {
        json.writeStringProperty("out", out);
        json.writeNumberProperty("parameters", trained.config.parameters());
        json.writeNumberProperty("tokens", trained.tokens);
        json.writeNumberProperty("steps", steps);
        JsonOutput.number(json, "tokens_per_second", predicted / trained.seconds);
        json.writeArrayPropertyStart("losses");
        for (ModelTraining.StepResult part : trained.parts()) {
            json.writeStartObject();
            json.writeNumberProperty("step", part.step());
            JsonOutput.number(json, "loss", part.loss());
            JsonOutput.number(json, "gradient_norm", part.gradientNorm());
            JsonOutput.number(json, "rate", part.rate());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
