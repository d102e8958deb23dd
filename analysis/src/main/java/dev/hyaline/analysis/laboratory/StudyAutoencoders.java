package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.AutoencoderPlan;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half;
import dev.hyaline.analysis.laboratory.HalfPrompts.HalfEvidence;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Printable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The autoencoders whose latents an investigation's claims name.
 *
 * @param byName as they were read
 */
record StudyAutoencoders(Investigation investigation, SortedMap<String, SparseAutoencoder> byName) {
    private static final int CHUNK = 1 << 14;

    /**
     * Reads them, and checks that they have the latents that claims name.
     *
     * @param folder that their files are relative to
     * @throws BadInputException naming the autoencoder or the claim, if they do not
     */
    static StudyAutoencoders read(Investigation investigation, Path folder) {
        SortedMap<String, SparseAutoencoder> byName = new TreeMap<>();
        investigation
                .autoencoders()
                .forEach((name, plan) -> byName.put(
                        name, SaeFiles.read(folder.resolve(plan.file())).autoencoder()));
        for (Claim claim : investigation.claims()) {
            for (ClaimComponent component : claim.components()) {
                if (latent(component) instanceof LatentComponent latent) {
                    SparseAutoencoder autoencoder = byName.get(latent.autoencoder());
                    if (autoencoder == null) {
                        throw new AssertionError("the investigation knows all of them");
                    }
                    try {
                        latent.requireIn(autoencoder);
                    } catch (BadInputException e) {
                        throw new BadInputException("claim " + Printable.quoted(claim.name()) + ": " + e.getMessage());
                    }
                }
            }
        }
        return new StudyAutoencoders(investigation, byName);
    }

    private static ClaimComponent latent(ClaimComponent component) {
        return component instanceof ComponentAt at ? at.component() : component;
    }

    /**
     * The autoencoders at their sites in a model.
     *
     * @throws BadInputException naming the autoencoder, if it is none of such a site of the model
     */
    Map<String, Attachment> attached(Gpt2 model) {
        Map<String, Attachment> attached = new LinkedHashMap<>();
        byName.forEach((name, autoencoder) -> {
            try {
                AutoencoderPlan plan = investigation.autoencoders().get(name);
                HookPoint site = plan == null ? null : plan.site();
                Attachment attachment = site == null
                        ? Attachment.of(autoencoder, model)
                        : Attachment.of(autoencoder, model, site, site);
                // Refuses what cannot be one edit of a pass.
                Splice.of(attachment).intervention();
                attached.put(name, attachment);
            } catch (BadInputException e) {
                throw new BadInputException("saes." + name + ": " + e.getMessage());
            }
        });
        return attached;
    }

    /** The same evidence, with the autoencoders of the model that it is of. */
    Evidence in(Evidence evidence) {
        return byName.isEmpty()
                ? evidence
                : evidence.autoencoders(attached(evidence.experiment().runs().model()));
    }

    <H extends Half> HalfEvidence<H> in(HalfEvidence<H> evidence) {
        return evidence.with(this::in);
    }

    /** The SHA-256 of each one's configuration, parameters and what its files say of it. */
    SortedMap<String, String> digests() {
        SortedMap<String, String> digests = new TreeMap<>();
        byName.forEach((name, autoencoder) -> digests.put(name, sha256(autoencoder)));
        return digests;
    }

    private static String sha256(SparseAutoencoder autoencoder) {
        MessageDigest digest = Digests.sha256();
        digest.update((autoencoder.config() + "\n" + autoencoder.metadata() + "\n").getBytes(StandardCharsets.UTF_8));
        SaeParameters parameters = autoencoder.parameters();
        ByteBuffer bytes = ByteBuffer.allocate(CHUNK * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float[] values : List.of(
                parameters.encoder(),
                parameters.encoderBias(),
                parameters.decoder(),
                parameters.decoderBias(),
                parameters.threshold(),
                parameters.gateBias(),
                parameters.magnitudeBias(),
                parameters.magnitudeScale(),
                parameters.skip())) {
            digest.update((values.length + "\n").getBytes(StandardCharsets.UTF_8));
            for (int from = 0; from < values.length; from += CHUNK) {
                int count = Math.min(CHUNK, values.length - from);
                bytes.clear().asFloatBuffer().put(values, from, count);
                digest.update(bytes.limit(count * Float.BYTES));
            }
        }
        return Digests.hex(digest);
    }
}
