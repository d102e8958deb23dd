package dev.hyaline.instrument.training;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.ParameterGradients;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.Tape;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Disk;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.FileLayout;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.PartialFolder;
import dev.hyaline.files.Printable;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.files.TensorFileWriter;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.internal.Batches;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A model in training on a stream of tokens: each step draws sequences, predicts each one's every next token, and moves
 * the parameters against the gradient of the mean cross-entropy.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/training/ModelTrainingTest.java" region="train"}
 *
 * <p>The bits of every step depend on configuration, tokens, options and the weights it began with, and on nothing
 * else: not on the number of threads, and not on whether the training was saved and gone on with. Takes four times the
 * memory of the weights in float32, and twice that of packed ones. Not thread-safe.
 */
public final class ModelTraining {
    private static final String FORMAT = "hyaline-training/1";
    private static final String MEAN = "adamw.mean.";
    private static final String SQUARE = "adamw.square.";
    private static final String STEP = "step";
    private static final String OF = "training";
    /** A component of a record as it prints itself, or the digest of the text. */
    private static final Pattern SETTING = Pattern.compile("(\\w+)[= ]([^,\\[\\] ]+)(?=[,\\]]|$)");

    private final Gpt2Config config;
    private final int[] tokens;
    private final TrainingOptions options;
    private final int threads;
    private final Kernels kernels;
    private final AdamW parameters;
    private final ParameterGradients gradients;
    private int step;
    /** The weights of the last step, whose arrays the next one takes. */
    private @Nullable Gpt2Weights current;

    /**
     * A step that was taken.
     *
     * @param step from 0
     * @param loss mean cross-entropy of the batch before the step, in nats a token
     * @param gradientNorm length of the gradient before it was clipped
     * @param rate of the step
     */
    public record StepResult(int step, double loss, double gradientNorm, double rate) {}

    private ModelTraining(Gpt2Config config, int[] tokens, TrainingOptions options, int threads) {
        this.config = config;
        this.tokens = tokens.clone();
        this.options = options;
        this.threads = threads;
        if (options.length() > config.nCtx()) {
            throw new BadInputException("training: the model has " + config.nCtx() + " positions, found sequences of "
                    + options.length() + " tokens");
        }
        if (tokens.length <= options.length()) {
            throw new BadInputException("training: sequences that predict " + options.length()
                    + " tokens need at least " + (options.length() + 1) + ", found " + tokens.length);
        }
        Prompts.requireKnown(config, tokens, "the text to train on");
        kernels = KernelProvider.provide().kernels();
        parameters = new AdamW(config, kernels.gradients());
        gradients = ParameterGradients.zeros(config);
    }

    /**
     * A new model, its weights as GPT-2 is initialised from the options' seed.
     *
     * @param tokens the text, end to end
     * @throws BadInputException if the text is shorter than a sequence or holds a token that the model does not know
     */
    public static ModelTraining of(Gpt2Config config, int[] tokens, TrainingOptions options) {
        return of(Gpt2Weights.random(config, options.seed()), tokens, options, Gpt2.defaultThreads());
    }

    /** Training from given weights, on a number of threads. */
    public static ModelTraining of(Gpt2Weights weights, int[] tokens, TrainingOptions options, int threads) {
        ModelTraining training = new ModelTraining(weights.config(), tokens, options, threads);
        for (TensorSpec tensor : Gpt2Weights.tensors(weights.config())) {
            float[] values = weights.tensor(tensor.name());
            System.arraycopy(values, 0, training.parameters.state(tensor.name()).values(), 0, values.length);
        }
        return training;
    }

    /**
     * Goes on from a file that {@link #save} wrote.
     *
     * @throws BadInputException if it was written by a training of another configuration, text or other options
     * @throws FileException if it cannot be read
     */
    public static ModelTraining resume(
            Path file, Gpt2Config config, int[] tokens, TrainingOptions options, int threads) {
        ModelTraining training = new ModelTraining(config, tokens, options, threads);
        TensorValues saved = TensorValues.open(file, InputErrors.INSTANCE);
        String found = saved.metadata(OF).orElse("something else");
        if (!found.equals(training.identity())) {
            throw new BadInputException(
                    file + " was written by another training: " + difference(found, training.identity()));
        }
        for (TensorSpec tensor : Gpt2Weights.tensors(config)) {
            AdamW.State state = training.parameters.state(tensor.name());
            read(saved, tensor.name(), state.values());
            read(saved, MEAN + tensor.name(), state.mean());
            read(saved, SQUARE + tensor.name(), state.square());
        }
        training.step = saved.integers(STEP)[0];
        return training;
    }

    /** The settings in which two identities differ. */
    private static String difference(String found, String expected) {
        Map<String, String> there = settings(found);
        Map<String, String> here = settings(expected);
        List<String> differing = here.entrySet().stream()
                .filter(setting -> !setting.getValue().equals(there.get(setting.getKey())))
                .map(setting -> setting.getKey() + " is " + setting.getValue() + ", there "
                        + Objects.requireNonNullElse(there.get(setting.getKey()), "unknown"))
                .toList();
        return differing.isEmpty() ? "expected " + expected + ", found " + found : String.join("; ", differing);
    }

    private static Map<String, String> settings(String identity) {
        return SETTING.matcher(identity)
                .results()
                .collect(Collectors.toMap(
                        match -> match.group(1),
                        match -> match.group(2),
                        (first, second) -> first,
                        LinkedHashMap::new));
    }

    private static void read(TensorValues saved, String name, float[] out) {
        float[] values = saved.floats(name, 0, saved.elements(name));
        if (values.length != out.length) {
            throw new BadInputException(
                    "the tensor " + name + " must hold " + out.length + " values, found " + values.length);
        }
        System.arraycopy(values, 0, out, 0, out.length);
    }

    /** Steps taken so far. */
    public int step() {
        return step;
    }

    /**
     * Takes the next step.
     *
     * @throws BadInputException if all of the options' steps have been taken
     * @throws HyalineException if the loss or the gradient is not finite; the parameters are then as before. Also if
     *     the step left a parameter that is not finite; the training is then of no more use
     */
    public StepResult next() {
        if (step == options.steps()) {
            throw new BadInputException("training: all " + step + " steps have been taken");
        }
        return next(draw());
    }

    /** The step's sequences, one token longer than what they predict: they depend on the seed and the step alone. */
    private List<int[]> draw() {
        SplittableRandom random = new SplittableRandom(options.seed() * 0x9E3779B97F4A7C15L + step);
        int length = options.length() + 1;
        List<int[]> sequences = new ArrayList<>();
        for (int s = 0; s < options.sequences(); s++) {
            int start = random.nextInt(tokens.length - length + 1);
            sequences.add(Arrays.copyOfRange(tokens, start, start + length));
        }
        return sequences;
    }

    /**
     * Takes the next step on sequences of one's own, each of whose tokens but the first is predicted from those before.
     *
     * @throws HyalineException as {@link #next()}
     */
    public StepResult next(List<int[]> sequences) {
        int predicted =
                sequences.stream().mapToInt(sequence -> sequence.length - 1).sum();
        gradients.clear();
        double[] loss = {0};
        Gpt2Weights former = current;
        current = null;
        current = former == null ? weights() : Gpt2Weights.load(config, parameters, former);
        try (Gpt2 model = Gpt2.of(current, threads)) {
            Batches.run(sequences.size(), s -> sequences.get(s).length - 1, (first, end) -> {
                loss[0] += pass(model, sequences.subList(first, end), predicted);
            });
        }
        double norm = gradients.norm();
        double mean = loss[0] / predicted;
        if (!Double.isFinite(mean) || !Double.isFinite(norm)) {
            throw new HyalineException("training: after " + step + " steps the loss is " + mean
                    + " and the gradient's length " + norm + "; lower the rate of " + options.rate(step)
                    + ", or look for the first value that is not finite");
        }
        // PyTorch's rule, so that the same options train the same model.
        double factor = Math.min(1, options.clip() / (norm + 1e-6));
        parameters.step(options, step, gradients, factor);
        Optional<String> broken = parameters.firstNotFinite();
        if (broken.isPresent()) {
            throw new HyalineException("training: step " + step + " at the rate " + options.rate(step)
                    + " left values in " + broken.get() + " that are not finite; lower the rate");
        }
        return new StepResult(step, mean, norm, options.rate(step++));
    }

    /** Adds gradients and returns the sum of the cross-entropies. */
    private double pass(Gpt2 model, List<int[]> sequences, int predicted) {
        List<Sequence> batch = sequences.stream()
                .map(sequence -> Sequence.of(Arrays.copyOf(sequence, sequence.length - 1)))
                .toList();
        Tape tape = model.record(ForwardRequest.of(batch));
        int[] next = sequences.stream()
                .flatMapToInt(sequence -> Arrays.stream(sequence, 1, sequence.length))
                .toArray();
        // Nothing reads the logits again, so that their gradient takes their place.
        float[] logits = tape.result().logits();
        double[] losses = new double[next.length];
        IntStream.range(0, next.length)
                .parallel()
                .forEach(row -> losses[row] = crossEntropy(logits, row, next[row], predicted));
        tape.backward(logits, Probe.NONE, gradients);
        return Arrays.stream(losses).reduce(0, Double::sum);
    }

    /** Returns a row's cross-entropy, and writes the gradient of the batch's mean over its logits. */
    private double crossEntropy(float[] logits, int row, int next, int predicted) {
        int n = config.dVocab();
        int at = row * n;
        int best = 0;
        for (int i = 1; i < n; i++) {
            best = logits[at + i] > logits[at + best] ? i : best;
        }
        double behind = (double) logits[at + best] - logits[at + next];
        kernels.softmax(logits, at, n);
        double loss = behind - StrictMath.log(logits[at + best]);
        logits[at + next] -= 1;
        kernels.gradients().scale(logits, at, n, 1f / predicted);
        return loss;
    }

    /** The parameters as they are now, packed: for a {@link Gpt2} or to be kept. */
    public Gpt2Weights weights() {
        return Gpt2Weights.load(config, parameters);
    }

    /**
     * Writes all that is needed to go on, to one safetensors file: under its name is either this or what was there
     * before, whenever the process ends.
     *
     * @throws FileException if it cannot be written
     */
    public void save(Path file) {
        save(file, Map.of());
    }

    /**
     * As {@link #save(Path)}, with more metadata.
     *
     * @param more text by key
     */
    public void save(Path file, Map<String, String> more) {
        List<TensorEntry> entries = new ArrayList<>();
        for (TensorSpec tensor : Gpt2Weights.tensors(config)) {
            for (String prefix : List.of("", MEAN, SQUARE)) {
                entries.add(entry(prefix + tensor.name(), tensor));
            }
        }
        entries.add(new TensorEntry(STEP, Dtype.I64, List.of(1L)));
        Map<String, String> metadata = new TreeMap<>(more);
        metadata.putAll(Map.of("format", FORMAT, OF, identity()));
        FileLayout layout = SafetensorsLayout.of(entries, metadata);
        try {
            Disk.createParent(file);
            PartialFile.write(file, channel -> {
                TensorFileWriter writer = new TensorFileWriter(channel, layout);
                for (TensorSpec tensor : Gpt2Weights.tensors(config)) {
                    AdamW.State state = parameters.state(tensor.name());
                    append(writer, tensor.name(), state.values());
                    append(writer, MEAN + tensor.name(), state.mean());
                    append(writer, SQUARE + tensor.name(), state.square());
                }
                writer.append(STEP, new long[] {step});
                writer.finish();
            });
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    /**
     * Writes the model to a folder that Hugging Face's libraries and this one read: {@code config.json} and
     * {@code model.safetensors}. The folder appears whole or not at all.
     *
     * @param folder that must not exist, or be empty
     * @throws FileException if it cannot be written
     */
    public void export(Path folder) {
        export(folder, Map.of());
    }

    /**
     * As {@link #export(Path)}, with more files in the folder.
     *
     * @param files content by name, such as a tokenizer's; a {@code config.json} among them takes the place of the one
     *     that is written otherwise
     * @throws FileException if it cannot be written
     */
    public void export(Path folder, Map<String, byte[]> files) {
        List<TensorEntry> entries = Gpt2Weights.tensors(config).stream()
                .map(tensor -> entry(tensor.name(), tensor))
                .toList();
        FileLayout layout = SafetensorsLayout.of(entries, Map.of("format", "pt"));
        try (PartialFolder partial = PartialFolder.begin(folder.toAbsolutePath().normalize())) {
            if (!files.containsKey(ConfigKeys.FILE)) {
                Files.write(partial.path().resolve(ConfigKeys.FILE), configuration());
            }
            partial.write(files);
            try (FileChannel channel = FileChannel.open(
                    partial.path().resolve("model.safetensors"),
                    StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.READ)) {
                TensorFileWriter writer = new TensorFileWriter(channel, layout);
                for (TensorEntry entry : entries) {
                    append(writer, entry.name(), parameters.state(entry.name()).values());
                }
                writer.finish();
            }
            partial.commit();
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    private byte[] configuration() {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("model_type", "gpt2");
            ConfigKeys.of(config).forEach((key, literal) -> {
                json.writeName(key);
                json.writeRawValue(literal);
            });
            json.writeEndObject();
        });
    }

    private static TensorEntry entry(String name, TensorSpec tensor) {
        return new TensorEntry(
                name, Dtype.F32, tensor.shape().stream().map(Integer::longValue).toList());
    }

    private static void append(TensorFileWriter writer, String name, float[] values) throws IOException {
        writer.append(name, values, 0, values.length);
    }

    /** Words that tell a training from any other. */
    private String identity() {
        ByteBuffer bytes = ByteBuffer.allocate(tokens.length * Integer.BYTES);
        bytes.asIntBuffer().put(tokens);
        return config + " " + options + " tokens "
                + HexFormat.of().formatHex(Digests.sha256().digest(bytes.array()));
    }

    @Override
    public String toString() {
        return "training of " + config + " after " + Printable.plural(step, "step");
    }
}
