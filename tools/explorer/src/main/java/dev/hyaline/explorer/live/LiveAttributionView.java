package dev.hyaline.explorer.live;

import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.AttributionView;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The logit of an answer less that of a distractor, split into the parts that write it: {@code by}, one of the kinds of
 * parts; {@code answer} and {@code distractor} as {@link LivePair} has them.
 */
final class LiveAttributionView implements LiveView {
    private static final String FEATURE = "feature";
    private static final List<String> KINDS = List.of("layer", "head", "neuron", "position", "stream", FEATURE);

    @Override
    public Set<String> options() {
        Set<String> options = new HashSet<>(LivePair.OPTIONS);
        options.remove("corrupted");
        options.add("by");
        return options;
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        String by = request.choice("by", KINDS);
        LivePair pair = LivePair.of(model, request);
        progress.requireWanted();
        DirectLogitAttribution attribution =
                DirectLogitAttribution.of(model.model(), pair.pairs(model), PromptPair.END);
        @Nullable Attachment autoencoder = model.autoencoder();
        if (by.equals(FEATURE) && autoencoder == null) {
            throw new BadInputException("features are latents of an autoencoder, and the page has none: start it with"
                    + " hyaline explore --sae SAE, or run hyaline attribute --by feature --sae SAE --html FILE");
        }
        String method = switch (by) {
            case "layer" -> "byLayer()";
            case "head" -> "byHead()";
            case "neuron" -> "byNeuron()";
            case "position" -> "byPosition()";
            case "stream" -> "alongTheStream()";
            default -> "byFeature(attachment)";
        };
        DirectLogitAttribution.Result result = switch (by) {
            case "layer" -> attribution.byLayer();
            case "head" -> attribution.byHead();
            case "neuron" -> attribution.byNeuron();
            case "position" -> attribution.byPosition();
            case "stream" -> attribution.alongTheStream();
            default -> attribution.byFeature(Objects.requireNonNull(autoencoder));
        };
        ViewHeading heading = model.heading("Direct logit attribution", pair.clean())
                .withBasis("the weights as they are")
                .withCommand(pair.command(
                        model,
                        "hyaline attribute --raw --by " + by,
                        by.equals(FEATURE) ? " --sae " + ViewHeading.quoted(model.autoencoderOption()) : ""))
                .withJava(LivePair.java() + "DirectLogitAttribution.of(model, pairs, \"end\")." + method + ".table()");
        AttributionView view = AttributionView.of(heading);
        ViewData data = (by.equals("stream") ? view.withStream(result) : view.with(by, result)).data();
        return new ViewData(
                data.view(),
                data.heading(),
                data.data()
                        .withTokens("compared", pair.tokens(model))
                        .withTexts(
                                "kinds",
                                autoencoder == null
                                        ? KINDS.stream()
                                                .filter(kind -> !kind.equals(FEATURE))
                                                .toList()
                                        : KINDS));
    }
}
