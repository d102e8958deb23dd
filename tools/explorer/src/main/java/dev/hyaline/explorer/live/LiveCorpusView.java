package dev.hyaline.explorer.live;

import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CorpusView;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.dump.ActivationStore;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** Rows of the dump that the command line named: {@code site}, one of its sites alone; {@code row}, the first row. */
final class LiveCorpusView implements LiveView {
    @Override
    public Set<String> options() {
        return Set.of("site", "row");
    }

    @Override
    public boolean isThere(ExploredModel explored) {
        return explored.dump() != null;
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        ActivationStore store = Objects.requireNonNull(model.explored().dump()).store();
        long row = request.option("row").map(json -> json.whole(0)).orElse(0L);
        Optional<Json> site = request.option("site");
        return site.isEmpty()
                ? rows(model, row).data()
                : CorpusView.of(
                                heading(model),
                                store,
                                model.vocabulary(),
                                row,
                                site.get().string())
                        .data();
    }

    /** The rows from one on. */
    static CorpusView rows(LiveModel model, long row) {
        ActivationStore store = Objects.requireNonNull(model.explored().dump()).store();
        return CorpusView.of(heading(model), store, model.vocabulary(), row);
    }

    private static ViewHeading heading(LiveModel model) {
        ExploredDump dump = Objects.requireNonNull(model.explored().dump());
        return ViewHeading.of("Dump of activations", model.explored().name())
                .withBasis(dump.name() + ": " + dump.store().rows() + " rows of "
                        + dump.store().documents() + " documents");
    }
}
