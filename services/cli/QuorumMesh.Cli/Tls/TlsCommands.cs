using System.CommandLine;
using QuorumMesh.Tls;

namespace QuorumMesh.Cli.Tls;

/// <summary><c>qmesh tls</c>: why a TLS link fails.</summary>
internal static class TlsCommands
{
    public static Command Create()
    {
        var url = new Argument<string>("URL") { Description = "https://host:port as the calling side has it" };
        var authorities = new Option<string?>("--ca") { Description = "PEM file of the CAs that the calling side trusts" };
        var known = new Option<string?>("--known") { Description = "the calling side's file of known servers (TOFU, WHITELIST)" };
        var pinned = new Option<string?>("--pinned") { Description = "PEM file with the server's own certificate, where it is pinned" };
        var certificate = new Option<string?>("--cert") { Description = "PEM file of the certificate that the calling side shows" };
        var key = new Option<string?>("--key") { Description = "PEM file of its private key" };
        var doctor = new Command("doctor", "connect as the calling side does, and tell what each check finds; run it on that machine")
        {
            url, authorities, known, pinned, certificate, key,
        };
        doctor.SetAction((result, cancellation) => RunAsync(new TlsQuestion
        {
            Url = Url(result.GetValue(url)!),
            Authorities = result.GetValue(authorities),
            Known = result.GetValue(known),
            Pinned = result.GetValue(pinned),
            Certificate = result.GetValue(certificate),
            Key = result.GetValue(key),
        }, cancellation));
        var command = new Command("tls", "TLS links");
        command.Subcommands.Add(doctor);
        return command;
    }

    private static async Task<int> RunAsync(TlsQuestion question, CancellationToken cancellation)
    {
        if (question.Certificate is null != question.Key is null)
            throw new CommandException("--cert and --key go together: give both or none");
        try
        {
            var findings = await TlsDoctor.AskAsync(question, TimeProvider.System, cancellation).ConfigureAwait(false);
            foreach (var (verdict, text) in findings)
                Console.WriteLine($"{(verdict == TlsVerdict.Good ? "ok  " : verdict == TlsVerdict.Bad ? "BAD " : "    ")} {text}");
            return findings.Any(f => f.Verdict == TlsVerdict.Bad) ? 1 : 0;
        }
        catch (TlsSetupException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static Uri Url(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == "https" && url.Port > 0 ? url
        : throw new CommandException($"'{text}' is not https://host:port");
}
