package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.fixtures.Recording;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.site.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The pass does what its table of sites, stages and boundaries says. */
class PassOrderTest {
    private static final Gpt2Config CONFIG = RandomModels.ODD;
    private static final Gpt2 MODEL = Gpt2.of(RandomModels.weights(CONFIG, 1), 1);
    private static final int[] TOKENS = RandomModels.tokens(CONFIG, 6, 1);
    private static final List<Boundary> BOUNDARIES =
            Boundary.first().upTo(Boundary.last(CONFIG).next());

    @Test
    void aPassShowsTheSitesOfItsStagesInTheOrderDescribed() {
        List<HookPoint> described = new ArrayList<>();
        Stage.EMBEDDING.sites().forEach(site -> described.add(HookPoint.of(site)));
        for (Boundary at : Boundary.first().upTo(Boundary.last(CONFIG))) {
            at.stage(CONFIG).sites().forEach(site -> described.add(HookPoint.of(site, at.layer())));
        }
        Stage.UNEMBEDDING.sites().forEach(site -> described.add(HookPoint.of(site)));
        Recording shown = Recording.everything();
        MODEL.forward(ForwardRequest.of(TOKENS).probe(shown));
        assertThat(shown.order()).isEqualTo(described).isEqualTo(HookPoint.all(CONFIG));
    }

    @Test
    void aPassFromTheBoundaryBeforeAPointToTheOneAfterShowsIt() {
        for (HookPoint point : HookPoint.all(CONFIG)) {
            Recording shown = Recording.everything();
            ForwardRequest request = ForwardRequest.of(TOKENS).probe(shown);
            Optional<Boundary> before = point.boundaryBefore(CONFIG);
            Optional<Boundary> after = point.boundaryAfter();
            if (before.isPresent()) {
                float[] residual = MODEL.forward(ForwardRequest.of(TOKENS).to(before.get()))
                        .residual();
                request = request.from(before.get(), residual);
            }
            MODEL.forward(after.isPresent() ? request.to(after.get()) : request);
            assertThat(shown.order()).as(point.name()).contains(point);
            assertThat(shown.order())
                    .allSatisfy(other -> assertThat(other.site().stage())
                            .isEqualTo(point.site().stage()));
        }
    }

    @Test
    void pointsHoldTheResidualStreamOfTheirBoundaries() {
        Recording shown = Recording.everything();
        MODEL.forward(ForwardRequest.of(TOKENS).probe(shown));
        for (Boundary at : BOUNDARIES) {
            float[] residual = MODEL.forward(ForwardRequest.of(TOKENS).to(at)).residual();
            assertThat(at.points(CONFIG)).isNotEmpty().allSatisfy(point -> {
                assertThat(shown.of(point, 0)).isEqualTo(residual);
                assertThat(point.residual(CONFIG)).contains(at);
            });
        }
        int d = CONFIG.dModel();
        for (HookPoint point : HookPoint.all(CONFIG)) {
            assertThat(point.residual(CONFIG).isPresent())
                    .isEqualTo(point.site().isResidual());
            if (point.site().isResidual()) {
                Boundary at = point.residual(CONFIG).orElseThrow();
                float[] residual = shown.of(at.points(CONFIG).getLast(), 0);
                float[] copies = shown.of(point, 0);
                int times = copies.length / residual.length;
                for (int i = 0; i < copies.length; i++) {
                    assertThat(copies[i]).isEqualTo(residual[i / d / times * d + i % d]);
                }
            }
        }
    }

    @Test
    void boundariesFollowEachOther() {
        assertThat(BOUNDARIES).hasSize(2 * CONFIG.nLayers() + 1).isSorted().doesNotHaveDuplicates();
        for (int i = 0; i < BOUNDARIES.size(); i++) {
            Boundary at = BOUNDARIES.get(i);
            assertThat(at.next().previous()).isEqualTo(at);
            assertThat(at.requireIn(CONFIG)).isSameAs(at);
            assertThat(at.isBefore(Boundary.last(CONFIG))).isEqualTo(i < BOUNDARIES.size() - 1);
        }
        for (Boundary outside :
                List.of(Boundary.first().previous(), Boundary.last(CONFIG).next())) {
            assertThatThrownBy(() -> outside.requireIn(CONFIG))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("the model has 3 layers, found boundary " + outside);
        }
    }

    @Test
    void everySiteLiesInOneStage() {
        List<Site> sites = new ArrayList<>();
        for (Stage stage : Stage.values()) {
            assertThat(stage.sites()).isNotEmpty();
            sites.addAll(stage.sites());
        }
        assertThat(sites).containsExactly(Site.values());
    }
}
