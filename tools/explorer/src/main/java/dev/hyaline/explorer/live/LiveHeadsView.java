package dev.hyaline.explorer.live;

import dev.hyaline.explorer.data.ViewData;
import java.util.Set;

/**
 * All heads; with {@code quick}, where it takes long to leave out each of them, without what that changes, which
 * {@code unablated} then says.
 */
final class LiveHeadsView implements LiveView {
    @Override
    public Set<String> options() {
        return Set.of("quick");
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        LiveModel.Prompt prompt = model.prompt(request);
        progress.requireWanted();
        return data(model, prompt, request.flag("quick"), progress);
    }

    ViewData data(LiveModel model, LiveModel.Prompt prompt, boolean quick, RunProgress progress) {
        if (quick && !model.isMade(this, prompt) && model.views(prompt).ablationTakesLong()) {
            ViewData data = model.views(prompt).headsAsTheyAre().data();
            return new ViewData(data.view(), data.heading(), data.data().with("unablated", true));
        }
        return model.data(this, prompt, views -> views.heads(progress::step));
    }
}
