package dev.hyaline.explorer.live;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.view.AttentionView;
import dev.hyaline.explorer.view.CorpusView;
import dev.hyaline.explorer.view.GenerationView;
import dev.hyaline.explorer.view.HeadGridView;
import dev.hyaline.explorer.view.LatentsView;
import dev.hyaline.explorer.view.LensView;
import dev.hyaline.explorer.view.PromptViews;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/** The views that a page may ask for, by name, in the order of its tabs. */
final class LiveViews {
    private static final SequencedMap<String, LiveView> VIEWS = new LinkedHashMap<>();

    private static final LiveHeadsView HEADS = new LiveHeadsView();

    static {
        VIEWS.put(AttentionView.NAME, new LiveAttentionView());
        VIEWS.put(HeadGridView.NAME, HEADS);
        VIEWS.put(LensView.NAME, new LiveLensView());
        VIEWS.put("attribution", new LiveAttributionView());
        VIEWS.put("effects", new LiveEffectsView());
        VIEWS.put("circuit", new LiveCircuitView());
        VIEWS.put("run", new LiveRunView());
        VIEWS.put(GenerationView.NAME, new LivePromptView(PromptViews::generation));
        VIEWS.put(LatentsView.NAME, new LiveLatentsView());
        VIEWS.put(CorpusView.NAME, new LiveCorpusView());
    }

    private LiveViews() {}

    static LiveView named(String name, ExploredModel explored) {
        LiveView view = VIEWS.get(name);
        if (view == null || !view.isThere(explored)) {
            throw new BadInputException(
                    "there is no view \"" + name + "\"; there are " + String.join(", ", names(explored)));
        }
        return view;
    }

    /** The names of all views, including those that a page may lack. */
    static Set<String> names() {
        return VIEWS.keySet();
    }

    static List<String> names(ExploredModel explored) {
        return VIEWS.entrySet().stream()
                .filter(view -> view.getValue().isThere(explored))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Makes the first views of the first prompt, unless it is long, before anyone asks for them. */
    static void prepare(LiveModel model, RunProgress progress) {
        LiveModel.Prompt first = model.preparedPrompt();
        if (first == null) {
            return;
        }
        progress.requireWanted();
        LiveAttentionView.WHOLE.data(model, first);
        progress.requireWanted();
        HEADS.data(model, first, /* quick= */ true, progress);
    }
}
