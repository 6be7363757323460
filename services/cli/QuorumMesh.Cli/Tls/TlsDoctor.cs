using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using QuorumMesh.Tls;

namespace QuorumMesh.Cli.Tls;

/// <summary>
/// Takes the steps of a TLS link one by one, and goes on where a client would stop, so that each finding stands for itself.
/// </summary>
internal sealed class TlsDoctor
{
    private const string AlternativeNames = "2.5.29.17";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ClocksApart = TimeSpan.FromMinutes(1);

    private readonly TlsQuestion _question;
    private readonly TimeProvider _clock;
    private readonly List<TlsFinding> _findings = [];
    private bool _hasSeen;

    private TlsDoctor(TlsQuestion question, TimeProvider clock) => (_question, _clock) = (question, clock);

    /// <exception cref="TlsSetupException">A file of the question cannot be used.</exception>
    public static async Task<IReadOnlyList<TlsFinding>> AskAsync(TlsQuestion question, TimeProvider clock, CancellationToken cancel)
    {
        var doctor = new TlsDoctor(question, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        try
        {
            await doctor.ConnectAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            doctor.Bad($"nothing more came within {Patience.TotalSeconds:0} s: a firewall, or a server that is not well");
        }
        return doctor._findings;
    }

    private async Task ConnectAsync(CancellationToken cancel)
    {
        var (host, port) = (_question.Url.DnsSafeHost, _question.Url.Port);
        using var connection = new TcpClient();
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancel).ConfigureAwait(false);
            Good($"{host} is {string.Join(", ", addresses.Take(8).Select(a => a.ToString()))}");
            await connection.ConnectAsync(addresses, port, cancel).ConfigureAwait(false);
            Good($"port {port} takes connections");
        }
        catch (SocketException e)
        {
            Bad($"{host}:{port}: {e.Message}");
            return;
        }
        var own = Own();
        var isAsked = false;
        var tls = new SslStream(connection.GetStream());
        await using (tls.ConfigureAwait(false))
        {
            var options = Options(host, own, (certificate, between) => Judge(certificate, between, host), () => isAsked = true);
            if (!await ShakeHandsAsync(tls, options, cancel).ConfigureAwait(false)) return;
            Good($"{tls.SslProtocol}, {tls.NegotiatedCipherSuite}");
            Tell(!isAsked ? "the server asks for no client certificate"
                : own is null ? "the server asks for a client certificate, and --cert gives none"
                : $"the server asks for a client certificate, and is shown '{own.Subject}'");
            await TalkAsync(tls, host, isAsked, cancel).ConfigureAwait(false);
        }
    }

    private static SslClientAuthenticationOptions Options(
        string host, X509Certificate2? own, Action<X509Certificate2, X509Certificate2Collection> see, Action asked) => new()
        {
            TargetHost = IPAddress.TryParse(host, out _) ? "" : host,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = new X509ChainPolicy
            {
                DisableCertificateDownloads = true,
                RevocationMode = X509RevocationMode.NoCheck,
            },
            LocalCertificateSelectionCallback = (_, _, _, remote, _) =>
            {
                // It is called once before the server has said anything.
                if (remote is null) return null!;
                asked();
                return own!;
            },
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                if (certificate is X509Certificate2 shown) see(shown, chain?.ChainPolicy.ExtraStore ?? []);
                return true;
            },
        };

    private async Task<bool> ShakeHandsAsync(SslStream tls, SslClientAuthenticationOptions options, CancellationToken cancel)
    {
        try
        {
            await tls.AuthenticateAsClientAsync(options, cancel).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            var why = e.InnerException?.Message ?? e.Message;
            Bad($"the handshake failed: {why}");
            if (!_hasSeen)
                Tell("a server that speaks plain text, or takes other versions of TLS, looks like that: is the port the right one?");
            return false;
        }
    }

    private X509Certificate2? Own()
    {
        if (_question.Certificate is not { } certificate) return null;
        try
        {
            var own = X509Certificate2.CreateFromPemFile(certificate, _question.Key!);
            var now = _clock.GetUtcNow().UtcDateTime;
            if (now < own.NotBefore.ToUniversalTime() || now > own.NotAfter.ToUniversalTime())
                Bad($"our certificate '{own.Subject}' is valid from {Date(own.NotBefore)} to {Date(own.NotAfter)} UTC");
            else Good($"our certificate '{own.Subject}' is valid to {Date(own.NotAfter)} UTC");
            return own;
        }
        catch (Exception e) when (e is CryptographicException or IOException or ArgumentException)
        {
            throw new TlsSetupException("--cert", $"{certificate} and {_question.Key}: {e.Message}", e);
        }
    }

    private void Judge(X509Certificate2 shown, X509Certificate2Collection between, string host)
    {
        _hasSeen = true;
        Tell($"the server shows '{Printable(shown.Subject)}' of '{Printable(shown.Issuer)}', SHA-1 {shown.Thumbprint.ToLowerInvariant()}");
        var names = shown.Extensions[AlternativeNames] is X509SubjectAlternativeNameExtension alternatives
            ? string.Join(", ", alternatives.EnumerateDnsNames().Concat(alternatives.EnumerateIPAddresses().Select(a => a.ToString())))
            : "";
        var isAddress = IPAddress.TryParse(host, out _);
        Add(shown.MatchesHostname(host, allowWildcards: true, allowCommonName: !isAddress) || _question.Pinned is not null,
            $"it names {host}", $"it does not name {host}, but {(names.Length > 0 ? Printable(names) : "nothing")}");
        var now = _clock.GetUtcNow().UtcDateTime;
        var (from, to) = (shown.NotBefore.ToUniversalTime(), shown.NotAfter.ToUniversalTime());
        var isTimely = now >= from && now <= to;
        if (isTimely && to - now < TimeSpan.FromDays(30)) Tell($"it expires in {(to - now).TotalDays:0} days");
        var dates = $"it is valid from {Date(from)} to {Date(to)} UTC, and here it is {Date(now)}";
        // Known-hosts files do not look at dates.
        if (isTimely) Good(dates);
        else if (_question.Authorities is not null || _question.Pinned is not null) Bad(dates);
        else Tell(dates);
        using var materials = new TlsMaterials(_clock);
        if (_question.Authorities is { } ca) Trust("--ca", materials.Authorities("--ca", [ca]));
        if (_question.Pinned is { } pinned) Trust("--pinned", materials.Pinned("--pinned", pinned));
        if (_question.Known is { } known)
            Trust("--known", new KnownPeersTrust(materials.Known("--known", known, mustExist: true), takesNew: false));
        if ((_question.Authorities ?? _question.Pinned ?? _question.Known) is null)
            Tell("whether it is trusted was not asked: give --ca, --known or --pinned as the calling side has it");

        void Trust(string option, PeerTrust trust)
        {
            var why = trust.Refuse(shown, between, PeerRole.Server);
            Add(why is null, $"{option} takes it", $"{option} refuses it: {why}");
        }
    }

    /// <summary>With TLS 1.3 a server looks at its client's certificate after the client's handshake is over.</summary>
    private async Task TalkAsync(SslStream tls, string host, bool isAsked, CancellationToken cancel)
    {
        try
        {
            var request = $"GET /upcheck HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
            await tls.WriteAsync(Encoding.ASCII.GetBytes(request), cancel).ConfigureAwait(false);
            var answer = new byte[4096];
            var length = await tls.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
            if (length == 0) Bad(Closed(isAsked));
            else Clock(Encoding.Latin1.GetString(answer, 0, length));
        }
        catch (IOException e)
        {
            Bad($"{Closed(isAsked)} ({e.InnerException?.Message ?? e.Message})");
        }
    }

    private static string Closed(bool isAsked) => isAsked
        ? "the server closed the connection once it had seen our certificate, or that there is none: its own log says why it refuses it"
        : "the server closed the connection without an answer";

    private void Clock(string answer)
    {
        Good("the server answers over TLS");
        var line = answer.Split("\r\n").FirstOrDefault(l => l.StartsWith("Date:", StringComparison.OrdinalIgnoreCase));
        const DateTimeStyles utc = DateTimeStyles.AssumeUniversal;
        if (line is null || !DateTimeOffset.TryParse(line[5..], CultureInfo.InvariantCulture, utc, out var there)) return;
        var apart = (there - _clock.GetUtcNow()).Duration();
        Add(apart < ClocksApart, "the clocks agree", $"the server's clock says {Date(there.UtcDateTime)} UTC, {apart.TotalMinutes:0} "
            + "minutes from ours: certificates and tokens are judged by each side's own");
    }

    private static string Printable(string text) => new([.. text.Take(300).Select(c => char.IsControl(c) ? '?' : c)]);

    private static string Date(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private void Add(bool isGood, string good, string bad) => _findings.Add(isGood ? new(TlsVerdict.Good, good) : new(TlsVerdict.Bad, bad));

    private void Good(string text) => _findings.Add(new TlsFinding(TlsVerdict.Good, text));

    private void Bad(string text) => _findings.Add(new TlsFinding(TlsVerdict.Bad, text));

    private void Tell(string text) => _findings.Add(new TlsFinding(TlsVerdict.Told, text));
}
