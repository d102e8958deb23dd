package dev.hyaline.tools.option;

import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.InnerSite;
import dev.hyaline.analysis.sparse.splice.SpliceSite;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.capture.DerivedSite;
import dev.hyaline.tools.terminal.Console;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Autoencoders whose inner sites are dumped. */
public final class SaeSiteOptions {
    @Option(
            names = "--sae",
            paramLabel = "SAE",
            description = {
                "A sparse autoencoder, as for the command sae; several if repeated. --sites then takes its inner sites"
                        + " too, such as blocks.2.hook_resid_post.hook_sae_acts_post, or hook_sae_acts_post of all; the"
                        + " pass stays as it is. Without --sites, what fires in it is written (--format delphi)."
            })
    private List<String> saes = new ArrayList<>();

    public boolean isGiven() {
        return !saes.isEmpty();
    }

    /** Number of autoencoders. */
    public int count() {
        return saes.size();
    }

    /** The options that mean the same. */
    public List<String> canonical() {
        return saes.stream().flatMap(sae -> Stream.of("--sae", sae)).toList();
    }

    /**
     * Checks that inner sites and autoencoders are given together.
     *
     * @param names of inner sites
     */
    public void check(List<String> names) {
        if (saes.isEmpty() && !names.isEmpty()) {
            throw new BadInputException(names.getFirst() + " is a site of a sparse autoencoder; name one (--sae)");
        }
        if (!saes.isEmpty() && names.isEmpty()) {
            throw new BadInputException("--sae is for inner sites of autoencoders, but --sites names none; there are "
                    + String.join(", ", SpliceSite.names()));
        }
    }

    /**
     * The latents of the one autoencoder.
     *
     * @param chosen the hook point that it reads, if its files do not say; none or one
     * @throws BadInputException if they say another
     */
    public DerivedSite latents(List<HookPoint> chosen, Gpt2Weights weights, Console console) {
        SaeFile file = SaeSource.read(console, saes.getFirst());
        String said = file.autoencoder().metadata().hookName().orElse("");
        if (!chosen.isEmpty() && !said.isEmpty() && !chosen.equals(List.of(HookPoints.point(said)))) {
            throw new BadInputException("the autoencoder reads " + said + ", but --sites names "
                    + chosen.stream().map(HookPoint::name).collect(Collectors.joining(", ")) + "; leave it out");
        }
        if (chosen.isEmpty() && said.isEmpty()) {
            throw new BadInputException("the files of " + saes.getFirst()
                    + " do not say which site it reads; name one (--sites, --layers)");
        }
        Attachment attachment = said.isEmpty()
                ? Attachment.of(file.autoencoder(), weights, chosen.getFirst(), chosen.getFirst())
                : Attachment.of(file.autoencoder(), weights);
        attachment.notes().forEach(note -> console.err().println("hyaline: " + note));
        return new InnerSite(attachment, SpliceSite.ACTS_POST);
    }

    /**
     * The inner sites by their names.
     *
     * @throws BadInputException if no autoencoder has one of them
     */
    public List<DerivedSite> sites(List<String> names, Gpt2Weights weights, Console console) {
        List<Attachment> attachments = new ArrayList<>();
        for (String sae : saes) {
            Attachment attachment = Attachment.of(SaeSource.read(console, sae).autoencoder(), weights);
            attachment.notes().forEach(note -> console.err().println("hyaline: " + note));
            attachments.add(attachment);
        }
        List<DerivedSite> sites = new ArrayList<>();
        for (String name : names) {
            int before = sites.size();
            for (Attachment attachment : attachments) {
                for (SpliceSite local : SpliceSite.values()) {
                    InnerSite site = new InnerSite(attachment, local);
                    if (name.equals(local.localName()) || name.equals(site.name())) {
                        sites.add(site);
                    }
                }
            }
            if (sites.size() == before) {
                List<String> written =
                        attachments.stream().map(Attachment::place).toList();
                throw new BadInputException("there is no " + name + ": the autoencoders write " + written
                        + ", and have " + String.join(", ", SpliceSite.names()));
            }
        }
        return sites;
    }

    /** The hook points that sites are computed from. */
    public static List<HookPoint> sources(List<DerivedSite> sites) {
        TreeSet<HookPoint> sources = new TreeSet<>();
        sites.forEach(site -> sources.addAll(site.sources()));
        return List.copyOf(sources);
    }
}
