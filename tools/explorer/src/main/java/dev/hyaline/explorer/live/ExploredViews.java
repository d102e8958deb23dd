package dev.hyaline.explorer.live;

import dev.hyaline.explorer.DataView;
import java.util.ArrayList;
import java.util.List;

/** The views of what a command line names besides a model and a prompt, for a page in a file. */
public final class ExploredViews {
    private ExploredViews() {}

    /**
     * The latents that fire on a prompt, and the first rows of the dump, as far as the model has any.
     *
     * @param text of the prompt; empty if it was given as tokens
     */
    public static List<DataView> of(ExploredModel explored, String text, int[] tokens) {
        LiveModel model = new LiveModel(explored, text);
        List<DataView> views = new ArrayList<>();
        if (explored.latents() != null) {
            views.add(LiveLatentsView.strongest(model, new LiveModel.Prompt(text, tokens), () -> {}));
        }
        if (explored.dump() != null) {
            views.add(LiveCorpusView.rows(model, 0));
        }
        return views;
    }
}
