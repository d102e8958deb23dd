package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.train.CorpusData;
import dev.hyaline.analysis.sparse.train.Losses;
import dev.hyaline.analysis.sparse.train.Recipe;
import dev.hyaline.analysis.sparse.train.SaeTrainer;
import dev.hyaline.analysis.sparse.train.Schedule;
import dev.hyaline.analysis.sparse.train.StoreData;
import dev.hyaline.analysis.sparse.train.TrainedActivation;
import dev.hyaline.analysis.sparse.train.Training;
import dev.hyaline.analysis.sparse.train.TrainingData;
import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.weights.ProcessingStep;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.ModelRunOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.TextOptions;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.StopNotice;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline sae train}: trains an autoencoder. */
@Command(
        name = "train",
        header = "Trains a sparse autoencoder, and writes it as SAELens reads it.",
        description = {
            "",
            "Trains on a dump (hyaline dump --shards), on texts that the model runs meanwhile, or, without either, on"
                    + " texts that the model itself writes. A run that was stopped in any way goes on with --resume and"
                    + " ends in the same weights, bit for bit."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sae train                                 fable, blocks.2.hook_resid_post, top-k 16",
            "  hyaline sae train --architecture standard --l1 3 --site blocks.1.hook_mlp_out",
            "  hyaline sae train --k 8,16,32 --out widths        three, on the same batches",
            "  hyaline sae train --architecture standard --site blocks.1.hook_resid_post,blocks.2.hook_resid_post",
            "  hyaline sae train --model gpt2 --prompts 'corpus/*.parquet' --context 128 --pack --batch 4096",
            "  hyaline dump --model gpt2 --prompts corpus.jsonl --sites resid_post --layers 8 --skip-bos",
            "  hyaline sae train --model gpt2 --dump hyaline-dump --latents 24576 --k 32 --batch 4096 --resume"
        })
public final class SaeTrainCommand implements Runnable, CheckedOptions {
    private static final int TEXTS = 1024;
    private static final int WIDTHS = 10;
    private static final long MAX_STEPS = 1_000_000_000;
    private static final int ANNEALING_STEPS = 10;
    private static final int MIN_ANNEALED_STEPS = 20;
    private static final int MAX_BATCH = 1 << 20;
    private static final long BUFFER_BYTES = 1L << 28;

    private final Console console;

    @Option(
            names = "--architecture",
            paramLabel = "NAME",
            completionCandidates = SaeSettings.Architectures.class,
            converter = SaeSettings.Architectures.class,
            split = ",",
            description = {
                "${COMPLETION-CANDIDATES}. Several with commas between, here and in the next options marked with *,"
                    + " train an autoencoder each, of every combination, on the same batches: the model runs once."
                    + " Each ends in the weights that it has by itself, in a folder of --out named after what tells it"
                    + " apart. Default: topk *"
            })
    private List<SaeSettings.Architecture> architectures = List.of(SaeSettings.Architecture.TOPK);

    @Option(
            names = "--site",
            paramLabel = "SITE",
            description = "Hook point to read, or several for a crosscoder: blocks.1.hook_resid_post,"
                    + "blocks.2.hook_resid_post. Default: hook_resid_post of the middle layer")
    private String site = "";

    @Option(
            names = "--site-out",
            paramLabel = "SITE",
            description = "Hook point to predict, for a transcoder. Default: the one that is read")
    private String siteOut = "";

    @Option(names = "--skip", description = "Give a transcoder a linear path around its latents.")
    private boolean skip;

    @Option(
            names = "--latents",
            paramLabel = "N",
            split = ",",
            description = "Number of latents. Default: 10 times the width *")
    private List<Integer> latents = List.of();

    @Option(
            names = "--k",
            paramLabel = "K",
            split = ",",
            description = "Latents a token, of the three that choose the largest. Default: 16 *")
    private List<Double> ks = List.of(16.0);

    @Option(
            names = "--l1",
            paramLabel = "X",
            split = ",",
            description = "Coefficient of the penalty of standard, gated and jumprelu. Default: 5 *")
    private List<Double> penalties = List.of(5.0);

    @Option(
            names = "--anneal",
            paramLabel = "P",
            description = "standard: let the penalty be the sum of activations to a power that falls from 1 to P, in"
                    + " ten steps between a tenth and four fifths of the run, such as 0.2.")
    private @Nullable Double anneal;

    @Option(
            names = "--ghost-gradients",
            description = "Revive dead latents by ghost gradients, in place of the auxiliary loss of the three that"
                    + " choose the largest. Not for gated.")
    private boolean ghostGradients;

    @Option(names = "--steps", paramLabel = "N", description = "Number of batches. Default: ${DEFAULT-VALUE}")
    private long steps = 1500;

    @Option(names = "--batch", paramLabel = "N", description = "Tokens of a batch. Default: ${DEFAULT-VALUE}")
    private int batch = 1024;

    @Option(names = "--rate", paramLabel = "X", split = ",", description = "Learning rate. Default: 0.001 *")
    private List<Double> rates = List.of(1e-3);

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "What weights and order depend on. Default: ${DEFAULT-VALUE}")
    private long seed = 1;

    @Option(names = "--dump", paramLabel = "DIR", description = "Train on the rows of a dump in shards.")
    private String dump = "";

    @Option(
            names = "--max-length",
            paramLabel = "X",
            description = "With --dump: leave out rows longer than X times the median, such as 10, as attention sinks"
                    + " are.")
    private @Nullable Double maxLength;

    @Option(
            names = "--buffer-rows",
            paramLabel = "N",
            description = {
                "Rows of the buffer in which those of the texts are mixed. Default: as many as 256 MB hold. With"
                        + " --dump: take the rows in the order that such a buffer gives; a run on the texts of the dump"
                        + " with the same number ends in the same weights. Default there: mix all rows"
            })
    private @Nullable Integer bufferRows;

    @Mixin
    private TextOptions texts;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = {
                "Folder to write. It must not exist: a folder is never replaced, because it may hold other files."
                        + " Default: ${DEFAULT-VALUE}"
            })
    private String out = "hyaline-sae";

    @Option(
            names = "--checkpoint-every",
            paramLabel = "N",
            description = "Steps after which what a run needs to go on is written beside the folder. Default:"
                    + " ${DEFAULT-VALUE}")
    private long checkpointEvery = 500;

    @Option(names = "--resume", description = "Go on with a run that was stopped; where there is none, begin.")
    private boolean resume;

    @Mixin
    private ModelRunOptions run;

    SaeTrainCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        for (SaeSettings.Setting setting : settings().all()) {
            if (!resume || settings().all().size() == 1) {
                PathOption.newFolder("--out", folder(setting));
            }
            if (!resume && Files.exists(checkpoint(setting))) {
                throw new BadInputException("--out: " + checkpoint(setting) + " is of a run that was stopped; go on"
                        + " with it (--resume), or remove it");
            }
        }
        if (!siteOut.isEmpty()) {
            HookPoints.point(siteOut);
        }
        if (sites().size() > 1) {
            if (!siteOut.isEmpty()) {
                throw new BadInputException(
                        "--site-out is for a transcoder, which reads one site, but --site names " + sites().size());
            }
            for (SaeSettings.Architecture architecture : architectures) {
                if (architecture != SaeSettings.Architecture.STANDARD
                        && architecture != SaeSettings.Architecture.TOPK) {
                    throw new BadInputException(
                            "a crosscoder is of --architecture standard or topk, found " + architecture);
                }
            }
        }
        CheckedOptions.requireAtLeast("--steps", 1, steps);
        CheckedOptions.requireAtLeast("--batch", 1, batch);
        CheckedOptions.requireAtLeast("--checkpoint-every", 1, checkpointEvery);
        if (steps > MAX_STEPS) {
            throw new BadInputException("--steps must be at most " + MAX_STEPS + ", found " + steps);
        }
        if (batch > MAX_BATCH) {
            throw new BadInputException("--batch must be at most " + MAX_BATCH + ", found " + batch);
        }
        for (int number : latents) {
            if (number < 1) {
                throw new BadInputException("--latents must be at least 1, found " + number);
            }
        }
        for (SaeSettings.Architecture architecture : architectures) {
            if (anneal != null && architecture != SaeSettings.Architecture.STANDARD) {
                throw new BadInputException("--anneal is for --architecture standard, found " + architecture);
            }
        }
        if (anneal != null && !(anneal > 0 && anneal <= 1)) {
            throw new BadInputException("--anneal must be above 0 and at most 1, found " + anneal);
        }
        if (anneal != null && (site.contains(",") || steps < MIN_ANNEALED_STEPS)) {
            throw new BadInputException("--anneal is for one site and at least " + MIN_ANNEALED_STEPS + " steps");
        }
        if (ghostGradients && architectures.contains(SaeSettings.Architecture.GATED)) {
            throw new BadInputException("--ghost-gradients is for latents with one pre-activation, not for gated ones");
        }
        if (maxLength != null && (dump.isEmpty() || !(maxLength >= 1) || maxLength.isInfinite())) {
            throw new BadInputException(
                    "--max-length is for a --dump, and a finite number of at least 1, found " + maxLength);
        }
        if (bufferRows != null) {
            CheckedOptions.requireAtLeast("--buffer-rows", 1, bufferRows);
        }
        if (!ks.stream().allMatch(k -> k > 0)
                || !rates.stream().allMatch(rate -> rate > 0)
                || !penalties.stream().allMatch(l1 -> l1 >= 0)) {
            throw new BadInputException("--k and --rate must be above 0, and --l1 at least 0");
        }
    }

    private List<HookPoint> sites() {
        return site.isEmpty()
                ? List.of()
                : Arrays.stream(site.split(",", -1))
                        .map(name -> HookPoints.point(name.strip()))
                        .toList();
    }

    /** Every combination that is asked for, once. */
    private SaeSettings settings() {
        return SaeSettings.of(architectures, latents, ks, penalties, rates);
    }

    private String folder(SaeSettings.Setting setting) {
        String name = settings().name(setting);
        return name.isEmpty() ? out : out + "/" + name;
    }

    private Path checkpoint(SaeSettings.Setting setting) {
        String name = settings().name(setting);
        String of = name.isEmpty() ? out : out + "." + name;
        return PathOption.parse("--out", of + ".training.safetensors");
    }

    @Override
    public void run() {
        if (!dump.isEmpty()) {
            // A broken dump is told before a model is loaded.
            try (ActivationStore store = ActivationStore.open(PathOption.parse("--dump", dump))) {
                requireProcessing(store);
            }
        }
        try (Checkpoint checkpoint = run.open(console)) {
            Gpt2Config config = checkpoint.config();
            List<HookPoint> in =
                    site.isEmpty() ? List.of(HookPoint.of(Site.RESID_POST, config.nLayers() / 2)) : sites();
            HookPoint to = siteOut.isEmpty() ? in.getFirst() : HookPoints.point(siteOut);
            requirePossible(in, to, config);
            train(checkpoint, in, to);
        }
    }

    /** Checks that weights are not to be processed in another way than those of the dump were. */
    private void requireProcessing(ActivationStore store) {
        if (!run.steps().isEmpty() && !run.steps().equals(store.processing())) {
            throw new BadInputException("--process: the dump " + dump + " is of weights processed by "
                    + ProcessingStep.names(store.processing())
                    + "; leave the option out, or make the dump again with it, found "
                    + ProcessingStep.names(run.steps()));
        }
    }

    /** Checks before weights are loaded that the model has the sites, and a matrix room for the latents. */
    private void requirePossible(List<HookPoint> in, HookPoint to, Gpt2Config config) {
        for (HookPoint point : in) {
            HookPoints.select(config, point.name());
        }
        HookPoints.select(config, to.name());
        int width = Math.max(width(in, config), width(List.of(to), config));
        for (SaeSettings.Setting setting : settings().all()) {
            long n = setting.latents() == 0 ? (long) WIDTHS * width(in, config) : setting.latents();
            if (n * width > Integer.MAX_VALUE) {
                throw new BadInputException("--latents must be at most " + Integer.MAX_VALUE / width + " of width "
                        + width + ", found " + n);
            }
            if (setting.k() > n) {
                throw new BadInputException(
                        "--k must be at most the number of latents, " + n + ", found " + Printable.number(setting.k()));
            }
        }
    }

    private static int width(List<HookPoint> points, Gpt2Config config) {
        return Math.max(1, points.size() * points.getFirst().site().shape().width(config));
    }

    private void train(Checkpoint checkpoint, List<HookPoint> in, HookPoint to) {
        HookPoint first = in.getFirst();
        try (Gpt2 model = run.start(checkpoint, console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Set<Integer> excluded = texts.excluded(vocabulary);
            if (dump.isEmpty()) {
                Corpus corpus = texts.corpus(model, vocabulary, TEXTS, console);
                int buffer = bufferRows == null
                        ? (int) Math.max(batch, BUFFER_BYTES / Float.BYTES / width(in, model.config()))
                        : bufferRows;
                try (CorpusData data = in.size() > 1
                        ? CorpusData.ofSites(model, corpus, in, excluded, seed, buffer)
                        : CorpusData.of(model, corpus, first, to, excluded, seed, buffer)) {
                    train(checkpoint, in, to, excluded, run.steps(), data);
                }
            } else {
                try (ActivationStore store = ActivationStore.open(PathOption.parse("--dump", dump))) {
                    StoreData all = in.size() > 1
                            ? StoreData.ofSites(store, in, excluded, seed)
                            : StoreData.of(store, first, to, excluded, seed);
                    StoreData some = maxLength == null ? all : all.withoutLongRows(maxLength);
                    StoreData data = bufferRows == null ? some : some.buffered(bufferRows);
                    if (data.rows() < all.rows()) {
                        console.err()
                                .println("hyaline: " + (all.rows() - data.rows()) + " of " + all.rows()
                                        + " rows are longer than " + maxLength + " times the median, and left out");
                    }
                    train(checkpoint, in, to, excluded, store.processing(), data);
                }
            }
        }
    }

    private void train(
            Checkpoint checkpoint,
            List<HookPoint> in,
            HookPoint to,
            Set<Integer> excluded,
            List<ProcessingStep> processing,
            TrainingData data) {
        // One that is there is done: a run of several was stopped while it wrote them.
        List<SaeSettings.Setting> left = settings().all().stream()
                .filter(setting -> !Files.exists(PathOption.parse("--out", folder(setting))))
                .toList();
        if (left.isEmpty()) {
            if (!run.json()) {
                console.out()
                        .println("Nothing was left to do: " + out + " has all "
                                + settings().all().size());
            }
            report(List.of(), data, 1);
            return;
        }
        CommandRecord made = run.record(null, checkpoint);
        Map<SaeTrainer, Run> runs = new LinkedHashMap<>();
        try (StopNotice notice = new StopNotice(console, "the same command with --resume goes on")) {
            for (SaeSettings.Setting setting : left) {
                Training training = training(setting, data);
                SaeTrainer trainer = resume
                        ? SaeTrainer.beginOrResume(training, data, run.threads(), checkpoint(setting))
                        : SaeTrainer.begin(training, data, run.threads());
                runs.put(trainer, new Run(setting, trainer));
            }
            long begin = System.nanoTime();
            try (ConsoleProgress progress = new ConsoleProgress(console, "train", "steps", steps * left.size())) {
                runs.keySet().forEach(trainer -> progress.skip(trainer.done()));
                SaeTrainer.run(List.copyOf(runs.keySet()), data, (trainer, done, losses, currentRate, deadNow) -> {
                    Run of = Objects.requireNonNull(runs.get(trainer));
                    of.last = losses;
                    of.dead = deadNow;
                    progress.advance(1);
                    if (done % checkpointEvery == 0 && done < steps) {
                        trainer.checkpoint(checkpoint(of.setting), made.metadata());
                    }
                });
            }
            double seconds = (System.nanoTime() - begin) / 1e9;
            for (Run done : runs.values()) {
                write(done, checkpoint, in, to, excluded, processing, made);
            }
            notice.cancel();
            report(List.copyOf(runs.values()), data, seconds);
        } finally {
            runs.keySet().forEach(SaeTrainer::close);
        }
    }

    /** One of the autoencoders that are trained. */
    private static final class Run {
        final SaeSettings.Setting setting;
        final SaeTrainer trainer;
        final long first;

        @Nullable
        Losses last;

        int dead;

        Run(SaeSettings.Setting setting, SaeTrainer trainer) {
            this.setting = setting;
            this.trainer = trainer;
            first = trainer.done();
        }
    }

    private void write(
            Run done,
            Checkpoint checkpoint,
            List<HookPoint> in,
            HookPoint to,
            Set<Integer> excluded,
            List<ProcessingStep> processing,
            CommandRecord made) {
        SaeMetadata metadata = SaeMetadata.unknown()
                .at(checkpoint.name(), in.stream().map(HookPoint::name).collect(Collectors.joining(",")))
                .texts(texts.context(), texts.begins())
                .processed(processing)
                .excluding(excluded.stream().sorted().toList())
                .with("training_architecture", "\"" + done.setting.architecture() + "\"");
        metadata = to.equals(in.getFirst()) ? metadata : metadata.writing(to.name());
        SaeFiles.write(
                done.trainer.autoencoder(metadata),
                PathOption.parse("--out", folder(done.setting)),
                done.trainer.densities(),
                Map.of(CommandRecord.FILE, made.file()));
        Path file = checkpoint(done.setting);
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw FileException.stopped(file, e);
        }
    }

    private Training training(SaeSettings.Setting setting, TrainingData data) {
        int n = setting.latents() == 0 ? WIDTHS * data.dIn() : setting.latents();
        SaeSettings.Architecture architecture = setting.architecture();
        TrainedActivation activation = switch (architecture) {
            case TOPK -> new TrainedActivation.TrainedTopK(setting.k(), data.sites() == 1, false);
            case BATCHTOPK, MATRYOSHKA -> new TrainedActivation.TrainedTopK(setting.k(), true, true);
            case GATED -> new TrainedActivation.PenalizedGate(setting.l1(), false);
            case JUMPRELU -> TrainedActivation.TrainedJump.of(setting.l1());
            case STANDARD -> penalizedRelu(setting.l1());
        };
        Recipe recipe = Recipe.of(activation);
        if (ghostGradients) {
            recipe = recipe.auxiliary(Recipe.Auxiliary.GHOST, 1, 0);
        }
        if (architecture == SaeSettings.Architecture.MATRYOSHKA) {
            recipe = recipe.prefixes(
                    List.of(Math.max(1, n / 8), Math.max(2, n / 2), Math.max(3, n)), List.of(1.0, 1.0, 1.0));
        }
        Schedule schedule = Schedule.constant(setting.rate()).decay(steps / 5).coefficientWarmUp(steps / 20);
        Training training = Training.of(n, recipe, schedule, steps, batch)
                .seed(seed)
                .normalized(!data.isTranscoder())
                .deadAfter(Math.max(100L, steps / 15) * batch);
        return skip ? training.withSkip() : training;
    }

    private TrainedActivation penalizedRelu(double l1) {
        return anneal == null
                ? new TrainedActivation.PenalizedRelu(l1, true)
                : new TrainedActivation.AnnealedRelu(l1, true, anneal, steps / 10, steps - steps / 5, ANNEALING_STEPS);
    }

    private void report(List<Run> runs, TrainingData data, double seconds) {
        long needed = steps * batch;
        if (run.json()) {
            JsonOutput.print(console, json -> {
                if (settings().all().size() == 1) {
                    runs.forEach(done -> write(done, data, seconds, json));
                    return;
                }
                json.writeArrayPropertyStart("autoencoders");
                for (Run done : runs) {
                    json.writeStartObject();
                    write(done, data, seconds, json);
                    json.writeEndObject();
                }
                json.writeEndArray();
            });
            return;
        }
        for (Run done : runs) {
            Losses losses = done.last;
            long tokens = (done.trainer.done() - done.first) * batch;
            if (losses != null) {
                console.out()
                        .println(String.format(
                                Locale.ROOT,
                                "Trained %d latents on %d tokens in %.1f s (%.0f tokens/s): loss %.4f, L0 %.1f,"
                                        + " %d dead",
                                done.trainer.training().latents(),
                                tokens,
                                seconds,
                                tokens / seconds,
                                losses.total(),
                                losses.l0(),
                                done.dead));
            }
            if (settings().all().size() > 1) {
                console.out().println("Wrote " + folder(done.setting));
            }
        }
        if (!runs.isEmpty() && needed > data.rows()) {
            console.out()
                    .println(String.format(
                            Locale.ROOT,
                            "%d rows were there for %d tokens: each was seen %.1f times",
                            data.rows(),
                            needed,
                            (double) needed / data.rows()));
        }
        if (settings().all().size() == 1) {
            console.out().println("Wrote " + out);
        }
    }

    private void write(Run done, TrainingData data, double seconds, JsonGenerator json) {
        Losses losses = done.last;
        json.writeStringProperty("out", folder(done.setting));
        json.writeNumberProperty("latents", done.trainer.training().latents());
        json.writeNumberProperty("steps", steps);
        JsonOutput.number(json, "loss", losses == null ? Double.NaN : losses.total());
        JsonOutput.number(json, "l0", losses == null ? Double.NaN : losses.l0());
        json.writeNumberProperty("dead", done.dead);
        JsonOutput.number(json, "tokens_per_second", (done.trainer.done() - done.first) * batch / seconds);
        json.writeNumberProperty("rows", data.rows());
        JsonOutput.number(json, "times_seen", (double) steps * batch / data.rows());
    }
}
