package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.AlternativeKind;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.alternative.NormMatched;
import dev.hyaline.analysis.investigation.alternative.RandomComponents;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Site;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/**
 * What both halves take, before they are run; the sanity checks and the variations come on top.
 *
 * @param passes whole passes
 * @param reruns partial ones, at most
 * @param multiplyAdds of whole passes in place of the search's and the claims' reruns: partial reruns take less
 * @param bytes of values that are kept of the runs of one half, the larger one
 */
record StudyForecast(long passes, long reruns, long multiplyAdds, long bytes) {
    /** Both prompts of a pair are run. */
    private static final int SIDES = 2;

    static StudyForecast of(
            Investigation investigation,
            Gpt2Config config,
            StudyPrompts prompts,
            int pilotPairs,
            long search,
            long claimed) {
        long discovery = prompts.discovery();
        long tested = prompts.all().size() - discovery;
        double ofDiscovery = (double) discovery / pilotPairs;
        double ofAll = (double) (discovery + tested) / pilotPairs;
        return new StudyForecast(
                SIDES * (discovery + tested),
                discovery * onDiscovery(investigation, config) + tested * onHeldOut(investigation, config),
                Math.round(search * ofDiscovery + claimed * ofAll),
                Math.max(bytes(config, prompts.discoveryHalf().prompts()), bytes(config, heldOut(prompts))));
    }

    private static PromptSet heldOut(StudyPrompts prompts) {
        return prompts.all()
                .of(IntStream.range(prompts.discovery(), prompts.all().size()).toArray());
    }

    /** Reruns of a pair in the pilot: the search and the claims, without the scan. */
    static long ofPilot(Investigation investigation, Gpt2Config config) {
        return search(investigation, config) + investigation.claims().size();
    }

    private static long candidates(Investigation investigation, Gpt2Config config) {
        boolean mlps =
                investigation.circuit() != null && investigation.circuit().of() == Candidates.HEADS_AND_MLPS;
        return (long) config.nLayers() * (config.nHeads() + (mlps ? 1 : 0));
    }

    private static long search(Investigation investigation, Gpt2Config config) {
        long n = candidates(investigation, config);
        return investigation.circuit() == null ? 0 : n * (n + 1) / 2;
    }

    private static long onDiscovery(Investigation investigation, Gpt2Config config) {
        return ofPilot(investigation, config) + candidates(investigation, config);
    }

    private static long onHeldOut(Investigation investigation, Gpt2Config config) {
        List<AlternativeKind> rivals = investigation.alternatives();
        long each = 1L
                + (rivals.contains(AlternativeKind.RANDOM_COMPONENTS) ? RandomComponents.SETS : 0)
                + (rivals.contains(AlternativeKind.NORM_MATCHED) ? NormMatched.DRAWS : 0);
        List<Claim> claims = investigation.claims();
        return each * claims.size() + (investigation.circuit() == null ? 0 : 2L * candidates(investigation, config));
    }

    /** The streams of the residual, the heads' values and patterns that reruns begin from, of both sides. */
    private static long bytes(Gpt2Config config, PromptSet prompts) {
        long values = 0;
        for (PromptPair pair : prompts.pairs()) {
            long length = pair.length();
            long row = 2L * config.dModel() + Site.MLP_POST.shape().width(config);
            values += (long) SIDES * config.nLayers() * (length * row + config.nHeads() * length * length);
        }
        return values * Float.BYTES;
    }

    /** The time for people, by what a pilot's reruns took. */
    String words(double pilotSeconds, long pilotReruns) {
        double seconds = pilotReruns == 0 ? 0 : pilotSeconds / pilotReruns * reruns;
        return "Both halves take " + passes + " passes and at most " + reruns + " partial ones"
                + (seconds > 0 ? ", about " + Math.max(1, Math.round(seconds)) + " s by the pilot's speed" : "")
                + ", and keep " + Math.max(1, bytes >> 20)
                + " MiB of values; sanity checks and variations come on top.";
    }

    void write(JsonGenerator json) {
        json.writeObjectPropertyStart("forecast");
        json.writeNumberProperty("full_passes", passes);
        json.writeNumberProperty("partial_reruns", reruns);
        json.writeNumberProperty("multiply_adds_of_full_reruns", multiplyAdds);
        json.writeNumberProperty("bytes_kept", bytes);
        json.writeEndObject();
    }
}
