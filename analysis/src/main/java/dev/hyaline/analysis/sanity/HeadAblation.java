package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.engine.site.Site;
import java.util.Optional;

/** The loss by each head's ablation. */
public record HeadAblation(Ablation ablation) implements Method {
    @Override
    public String title() {
        return "ablation (" + ablation.description() + ")";
    }

    @Override
    public Optional<Method> with(Ablation other) {
        return Optional.of(new HeadAblation(other));
    }

    @Override
    public Finding run(Subject subject) {
        return BuiltInMethod.ofSweep(
                subject, AblationSweep.of(subject.model().config(), ablation, Site.Z, Along.everyHead()), -1);
    }
}
