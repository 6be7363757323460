#!/usr/bin/env bash
# .NET 10.0.12's X509Chain with a trust store of one's own (CustomRootTrust): a certificate in it that is not self-signed is no anchor, only
# something to build a chain with. A trust store that holds the issuing CA alone, which Java's PKIX and Go's CertPool take as an anchor, so
# that files of Tessera's and GoQuorum's may be made that way, ends in PartialChain for every member's certificate. Who wants to take such a
# store has to let that one status pass and compare the chain's elements with the store byte by byte.
# Needs the .NET SDK and nothing from a registry.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > probe.csproj <<'P'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType>
    <Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
P
cat > Program.cs <<'P'
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

var root = Make("root", null, isCa: true);
var issuing = Make("issuing", root, isCa: true);
var member = Make("member", issuing, isCa: false);

Console.WriteLine($"root in the store, issuing CA shown: {Build(member, root, issuing)}");
Console.WriteLine($"issuing CA alone in the store: {Build(member, issuing)}");

static string Build(X509Certificate2 leaf, X509Certificate2 anchor, params X509Certificate2[] shown)
{
    using var chain = new X509Chain();
    chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
    chain.ChainPolicy.CustomTrustStore.Add(anchor);
    chain.ChainPolicy.ExtraStore.AddRange(shown);
    chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
    chain.ChainPolicy.DisableCertificateDownloads = true;
    var isGood = chain.Build(leaf);
    var all = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (f, s) => f | s.Status);
    return $"{(isGood ? "good" : "refused")}, {all}, {chain.ChainElements.Count} elements";
}

static X509Certificate2 Make(string name, X509Certificate2? issuer, bool isCa)
{
    using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
    request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isCa, false, 0, true));
    request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
    var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    if (issuer is null) return request.CreateSelfSigned(from, to);
    request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, true, false));
    using var made = request.Create(issuer, from.AddHours(1), to.AddHours(-1), RandomNumberGenerator.GetBytes(8));
    return made.CopyWithPrivateKey(key);
}
P
dotnet build -c Release --nologo -v q -o out > build.log || { cat build.log; exit 1; }
got=$(dotnet out/probe.dll)
echo "$got"
want='root in the store, issuing CA shown: good, NoError, 3 elements
issuing CA alone in the store: refused, PartialChain, 2 elements'
[ "$got" = "$want" ] || { echo "CHANGED: expected"; echo "$want"; exit 1; }
echo "as found"
