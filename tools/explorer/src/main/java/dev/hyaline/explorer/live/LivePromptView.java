package dev.hyaline.explorer.live;

import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.view.PromptViews;
import java.util.Set;
import java.util.function.Function;

/** One of the views of a prompt, which has no options. */
record LivePromptView(Function<PromptViews, DataView> view) implements LiveView {
    @Override
    public Set<String> options() {
        return Set.of();
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        LiveModel.Prompt prompt = model.prompt(request);
        progress.requireWanted();
        return data(model, prompt);
    }

    ViewData data(LiveModel model, LiveModel.Prompt prompt) {
        return model.data(this, prompt, view);
    }
}
