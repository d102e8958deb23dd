package dev.hyaline.explorer.live;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.view.AttentionView;
import dev.hyaline.explorer.view.GenerationView;
import dev.hyaline.explorer.view.HeadGridView;
import dev.hyaline.explorer.view.LensView;
import dev.hyaline.explorer.view.PromptViews;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** The views that a page may ask for, by name, in the order of its tabs. */
final class LiveViews {
    private static final SequencedMap<String, LiveView> VIEWS = new LinkedHashMap<>();

    static {
        VIEWS.put(AttentionView.NAME, new LivePromptView(PromptViews::attention));
        VIEWS.put(HeadGridView.NAME, new LivePromptView(PromptViews::heads));
        VIEWS.put(LensView.NAME, new LivePromptView(PromptViews::lens));
        VIEWS.put("run", new LiveRunView());
        VIEWS.put(GenerationView.NAME, new LivePromptView(PromptViews::generation));
    }

    private LiveViews() {}

    static LiveView named(String name) {
        LiveView view = VIEWS.get(name);
        if (view == null) {
            throw new BadInputException(
                    "there is no view \"" + name + "\"; there are " + String.join(", ", VIEWS.keySet()));
        }
        return view;
    }

    static List<String> names() {
        return List.copyOf(VIEWS.keySet());
    }
}
