package dev.hyaline.instrument.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.TensorValues;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Training against PyTorch's, and its promise that nothing but its inputs decides a bit. */
class ModelTrainingTest {
    private static final Path GOLDEN = Path.of("../weights-loader/src/test/resources/golden/tiny-a");
    private static final Gpt2Config SMALL =
            new Gpt2Config(2, 2, 16, 40, 24, 29, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
    private static final TrainingOptions OPTIONS =
            TrainingOptions.of(30).batches(3, 12).rates(4, 3e-3, 1e-4);

    @TempDir
    private Path temporary;

    /** A text in which each token follows from the one before. */
    static int[] text() {
        int[] tokens = new int[400];
        for (int i = 1; i < tokens.length; i++) {
            tokens[i] = (tokens[i - 1] * 5 + 3) % 29;
        }
        return tokens;
    }

    @Test
    void theJavadocsExampleTrains() {
        int[] tokens = text();
        Gpt2Config config = SMALL;
        Path folder = temporary.resolve("trained");
        List<Double> losses = new ArrayList<>();
        // @start region="train"
        ModelTraining training =
                ModelTraining.of(config, tokens, TrainingOptions.of(20).batches(3, 12));
        while (training.step() < 20) {
            losses.add(training.next().loss());
        }
        training.export(folder);
        // @end
        assertThat(losses).hasSize(20);
        assertThat(losses.getLast()).isLessThan(losses.getFirst());
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.config()).isEqualTo(config);
        }
    }

    @Test
    void takesPyTorchsSteps() {
        JsonNode golden = JsonMapper.shared().readTree(GOLDEN.resolve("training.json"));
        TensorValues prompts = TensorValues.open(GOLDEN.resolve("golden.safetensors"), InputErrors.INSTANCE);
        int[] tokens = prompts.integers("tokens");
        int length = prompts.shape("tokens").getLast().intValue();
        List<int[]> batch = new ArrayList<>();
        for (int from = 0; from < tokens.length; from += length) {
            batch.add(Arrays.copyOfRange(tokens, from, from + length));
        }
        TrainingOptions options =
                TrainingOptions.of(8).batches(2, 8).rates(3, 1e-2, 1e-3).clip(0.5);
        ModelTraining training;
        try (Checkpoint checkpoint = Checkpoint.open(GOLDEN)) {
            training = ModelTraining.of(checkpoint.weights(), tokens, options, 2);
        }
        for (int step = 0; step < 8; step++) {
            ModelTraining.StepResult result = training.next(batch);
            assertThat(result.loss()).isCloseTo(golden.get("loss").get(step).asDouble(), within(2e-5));
            double norm = golden.get("gradient_norm").get(step).asDouble();
            assertThat(result.gradientNorm()).isCloseTo(norm, within(1e-4 * norm));
        }
        golden.get("sums").properties().forEach(entry -> {
            double sum = 0;
            float[] values = training.weights().tensor(entry.getKey());
            for (float value : values) {
                sum += value;
            }
            assertThat(sum).as(entry.getKey()).isCloseTo(entry.getValue().asDouble(), within(1e-5 * values.length));
        });
    }

    @Test
    void learnsATextThatFollowsARule() {
        ModelTraining training = ModelTraining.of(
                SMALL, text(), TrainingOptions.of(150).batches(8, 12).rates(10, 1e-2, 1e-3));
        double first = training.next().loss();
        ModelTraining.StepResult last = null;
        while (training.step() < 150) {
            last = training.next();
        }
        assertThat(first).isCloseTo(Math.log(29), within(0.1));
        assertThat(last.loss()).isLessThan(0.2);
        assertThat(last.rate()).isCloseTo(1e-3, within(1e-5));
        assertThatThrownBy(training::next).isInstanceOf(BadInputException.class).hasMessageContaining("all 150 steps");
    }

    @Test
    void goesOnFromAFileToTheBitOnAnyNumberOfThreads() {
        ModelTraining whole = ModelTraining.of(Gpt2Weights.random(SMALL, 1), text(), OPTIONS, 1);
        ModelTraining begun = ModelTraining.of(Gpt2Weights.random(SMALL, 1), text(), OPTIONS, 3);
        List<ModelTraining.StepResult> expected = new ArrayList<>();
        List<ModelTraining.StepResult> found = new ArrayList<>();
        for (int step = 0; step < 10; step++) {
            expected.add(whole.next());
            found.add(begun.next());
        }
        Path file = temporary.resolve("training.safetensors");
        begun.save(file);
        ModelTraining resumed = ModelTraining.resume(file, SMALL, text(), OPTIONS, 2);
        for (int step = 10; step < 20; step++) {
            expected.add(whole.next());
            found.add(resumed.next());
        }
        assertThat(found).isEqualTo(expected);
        assertSameWeights(resumed.weights(), whole.weights());
        assertThatThrownBy(() -> ModelTraining.resume(file, SMALL, text(), OPTIONS.decay(0.5), 1))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("another training");
    }

    /** Trains and saves until it is killed. */
    public static final class Endless {
        private Endless() {}

        public static void main(String[] arguments) {
            ModelTraining training = ModelTraining.of(Gpt2Weights.random(SMALL, 1), text(), OPTIONS, 1);
            while (training.step() < OPTIONS.steps()) {
                training.next();
                for (int i = 0; i < 20; i++) {
                    training.save(Path.of(arguments[0]));
                }
                System.out.println(training.step());
            }
        }
    }

    @Test
    void goesOnAfterAKill() throws IOException, InterruptedException {
        Path file = temporary.resolve("training.safetensors");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Endless.class.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        try (var lines = process.inputReader()) {
            String line = lines.readLine();
            while (line != null && !line.equals("3")) {
                line = lines.readLine();
            }
            assertThat(line).isEqualTo("3");
            process.destroyForcibly();
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        }
        ModelTraining resumed = ModelTraining.resume(file, SMALL, text(), OPTIONS, 2);
        assertThat(resumed.step()).isBetween(3, OPTIONS.steps());
        ModelTraining whole = ModelTraining.of(Gpt2Weights.random(SMALL, 1), text(), OPTIONS, 2);
        while (whole.step() < OPTIONS.steps()) {
            whole.next();
        }
        while (resumed.step() < OPTIONS.steps()) {
            resumed.next();
        }
        assertSameWeights(resumed.weights(), whole.weights());
    }

    @Test
    void exportsWhatItTrained() throws IOException {
        ModelTraining training = ModelTraining.of(SMALL, text(), OPTIONS);
        training.next();
        Path folder = temporary.resolve("model");
        training.export(folder);
        JsonNode config = JsonMapper.shared().readTree(folder.resolve("config.json"));
        assertThat(config.get("n_embd").asInt()).isEqualTo(16);
        assertThat(Files.isRegularFile(folder.resolve("model.safetensors"))).isTrue();
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.config()).isEqualTo(SMALL);
            assertSameWeights(checkpoint.weights(), training.weights());
        }
    }

    @Test
    void whatCannotBeTrainedIsSaid() {
        assertThatThrownBy(() -> TrainingOptions.of(10).rates(11, 1e-3, 0)).hasMessageContaining("warmup");
        assertThatThrownBy(() -> TrainingOptions.of(10).clip(0)).hasMessageContaining("clip must be above 0");
        assertThatThrownBy(() -> ModelTraining.of(SMALL, new int[] {1, 2, 3}, OPTIONS))
                .hasMessageContaining("need at least 13, found 3");
        assertThatThrownBy(() -> ModelTraining.of(SMALL, new int[20], OPTIONS.batches(1, 25)))
                .hasMessageContaining("24 positions");
        int[] unknown = text();
        unknown[7] = 29;
        assertThatThrownBy(() -> ModelTraining.of(SMALL, unknown, OPTIONS)).hasMessageContaining("token 29");
        ModelTraining wild = ModelTraining.of(
                SMALL, text(), TrainingOptions.of(50).batches(2, 8).rates(0, 1e30, 1e30));
        assertThatThrownBy(() -> {
                    while (true) {
                        wild.next();
                    }
                })
                .hasMessageMatching("training: (after \\d+ steps the loss is|step \\d+ at the rate).*1.0E30.*finite.*");
    }

    /** The last step has no loss after it that would tell. */
    @Test
    void aStepThatBreaksTheWeightsIsNotKept() {
        Path file = temporary.resolve("broken.safetensors");
        ModelTraining training = ModelTraining.of(
                SMALL, text(), TrainingOptions.of(1).batches(2, 8).rates(0, 1e39, 1e39));
        assertThatThrownBy(() -> {
                    training.next();
                    training.save(file);
                })
                .isInstanceOf(HyalineException.class)
                .hasMessageMatching("training: step 0 at the rate 1.0E39 left values in \\S*wte.weight that are not"
                        + " finite; lower the rate");
        assertThat(file).doesNotExist();
    }

    private static void assertSameWeights(Gpt2Weights found, Gpt2Weights expected) {
        for (TensorSpec tensor : Gpt2Weights.tensors(SMALL)) {
            assertThat(found.tensor(tensor.name())).as(tensor.name()).isEqualTo(expected.tensor(tensor.name()));
        }
        try (Gpt2 model = Gpt2.of(found, 1)) {
            assertThat(model.logits(new Random(1).ints(9, 0, 29).toArray())).doesNotContain(Float.NaN);
        }
    }
}
