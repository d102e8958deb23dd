package dev.hyaline.explorer.live;

import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.AttributionView;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

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
        List<String> kinds = model.explored().latents() == null ? KINDS.subList(0, KINDS.indexOf(FEATURE)) : KINDS;
        String by = request.choice("by", kinds);
        LivePair pair = LivePair.of(model, request);
        progress.requireWanted();
        DirectLogitAttribution attribution =
                DirectLogitAttribution.of(model.model(), pair.pairs(model), PromptPair.END);
        String method = switch (by) {
            case "layer" -> "byLayer()";
            case "head" -> "byHead()";
            case "neuron" -> "byNeuron()";
            case "position" -> "byPosition()";
            case FEATURE -> "byFeature(attachment)";
            default -> "alongTheStream()";
        };
        DirectLogitAttribution.Result result = switch (by) {
            case "layer" -> attribution.byLayer();
            case "head" -> attribution.byHead();
            case "neuron" -> attribution.byNeuron();
            case "position" -> attribution.byPosition();
            case FEATURE -> attribution.byFeature(model.latents().attachment());
            default -> attribution.alongTheStream();
        };
        List<String> processing = model.model().weights().processing();
        ViewHeading heading = model.heading("Direct logit attribution", pair.clean())
                .withBasis(
                        processing.isEmpty()
                                ? "the weights as they are"
                                : "weights processed by " + String.join(", ", processing))
                .withCommand(pair.command(
                        model,
                        "hyaline attribute" + (processing.isEmpty() ? " --raw" : "") + " --by " + by + sae(model, by),
                        ""))
                .withJava(LivePair.java() + "DirectLogitAttribution.of(model, pairs, \"end\")." + method + ".table()");
        AttributionView view = AttributionView.of(heading);
        ViewData data = (by.equals("stream") ? view.withStream(result) : view.with(by, result)).data();
        return new ViewData(
                data.view(),
                data.heading(),
                data.data().withTokens("compared", pair.tokens(model)).withTexts("kinds", kinds));
    }

    private static String sae(LiveModel model, String by) {
        return by.equals(FEATURE)
                ? " " + Objects.requireNonNull(model.explored().latents()).sae()
                : "";
    }
}
