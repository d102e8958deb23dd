package dev.hyaline.explorer.live;

import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.view.PromptViews;
import java.util.Set;

/**
 * Where each head looks: of a long prompt, where {@code layer} names one, of that layer alone, for which the run ends
 * there.
 */
final class LiveAttentionView implements LiveView {
    static final LivePromptView WHOLE = new LivePromptView(PromptViews::attention);

    @Override
    public Set<String> options() {
        return Set.of("layer");
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        LiveModel.Prompt prompt = model.prompt(request);
        int layer = request.integer("layer", 0, model.config().nLayers() - 1, -1);
        progress.requireWanted();
        return layer >= 0 && LiveModel.isLong(prompt)
                ? model.views(prompt).attentionOf(layer).data()
                : WHOLE.data(model, prompt);
    }
}
