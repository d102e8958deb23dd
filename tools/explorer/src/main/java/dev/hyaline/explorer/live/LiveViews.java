package dev.hyaline.explorer.live;

import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The views that a page may ask for, by name. */
final class LiveViews {
    private static final Map<String, LiveView> VIEWS = new TreeMap<>(Map.of("run", new LiveRunView()));

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
