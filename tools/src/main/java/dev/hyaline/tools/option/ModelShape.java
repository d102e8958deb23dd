package dev.hyaline.tools.option;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The shape of a new model, by the keys of {@code config.json}: whatever is not given is as another model has it. */
public final class ModelShape implements CheckedOptions {
    @Option(names = "--n-layer", paramLabel = "N", description = "Layers. Default: those of --model")
    private @Nullable Integer layers;

    @Option(names = "--n-head", paramLabel = "N", description = "Heads a layer. Default: those of --model")
    private @Nullable Integer heads;

    @Option(names = "--n-embd", paramLabel = "N", description = "Width, a multiple of the heads. Default: of --model")
    private @Nullable Integer width;

    @Option(
            names = "--n-inner",
            paramLabel = "N",
            description = "Neurons a layer. Default: four times --n-embd, or of --model")
    private @Nullable Integer neurons;

    @Option(names = "--n-positions", paramLabel = "N", description = "Positions. Default: those of --model")
    private @Nullable Integer positions;

    @Option(
            names = "--activation",
            paramLabel = "NAME",
            completionCandidates = Activations.class,
            converter = Activations.class,
            description = "${COMPLETION-CANDIDATES}. Default: that of --model")
    private @Nullable String activation;

    @Option(names = "--untied", description = "Give the model an unembedding of its own.")
    private boolean untied;

    /** The non-linearities by the names of {@code config.json}. */
    static final class Activations extends Choice<String> {
        Activations() {
            super(Arrays.stream(ActivationFunction.values())
                    .map(ActivationFunction::configName)
                    .toList());
        }
    }

    @Override
    public void check() {
        require("--n-layer", layers);
        require("--n-head", heads);
        require("--n-embd", width);
        require("--n-inner", neurons);
        require("--n-positions", positions);
        if (width != null && heads != null && width % heads != 0) {
            throw new BadInputException("--n-embd must be a multiple of --n-head, found " + width + " and " + heads);
        }
    }

    private static void require(String option, @Nullable Integer found) {
        if (found != null) {
            CheckedOptions.requireAtLeast(option, 1, found);
        }
    }

    /**
     * The new model's configuration.
     *
     * @throws BadInputException if the sizes do not go together
     */
    public Gpt2Config config(Gpt2Config of) {
        int dModel = width == null ? of.dModel() : width;
        ActivationFunction actFn = Arrays.stream(ActivationFunction.values())
                .filter(function -> function.configName().equals(activation))
                .findFirst()
                .orElse(of.actFn());
        return new Gpt2Config(
                layers == null ? of.nLayers() : layers,
                heads == null ? of.nHeads() : heads,
                dModel,
                neurons != null ? neurons : width == null ? of.dMlp() : (int) Math.min(4L * dModel, Integer.MAX_VALUE),
                positions == null ? of.nCtx() : positions,
                of.dVocab(),
                of.eps(),
                actFn,
                of.scaleAttnWeights(),
                of.scaleAttnByInverseLayerIdx(),
                of.tieWordEmbeddings() && !untied);
    }
}
