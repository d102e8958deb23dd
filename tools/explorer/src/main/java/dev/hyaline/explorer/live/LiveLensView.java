package dev.hyaline.explorer.live;

import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.view.PromptViews;
import java.util.Set;

/**
 * The logit lens: of a long prompt, at as many positions as a page shows at a time, from {@code from} on; from the
 * first on if the prompt has no such position.
 */
final class LiveLensView implements LiveView {
    /** As in {@code lens.js}. */
    private static final int AT_ONCE = 40;

    private static final LivePromptView WHOLE = new LivePromptView(PromptViews::lens);

    @Override
    public Set<String> options() {
        return Set.of("from");
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        LiveModel.Prompt prompt = model.prompt(request);
        int asked = request.integer("from", 0, Integer.MAX_VALUE, 0);
        progress.requireWanted();
        int length = prompt.tokens().length;
        if (length <= AT_ONCE) {
            return WHOLE.data(model, prompt);
        }
        int first = asked < length ? asked : 0;
        return model.views(prompt)
                .lens(first, Math.min(length, first + AT_ONCE))
                .data();
    }
}
