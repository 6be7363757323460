#!/usr/bin/env bash
# Kestrel (ASP.NET Core 10.0.12): a body over MaxRequestBodySize makes reading throw, and an application that answers the 413 itself,
# as the documentation has it, ends the connection after that answer with the rest of the body unread, which resets it: a client
# that still writes gets a broken pipe in place of the 413. Where the application counts the bytes
# itself (limit null), Kestrel reads what is left of the body for up to 5 s, every client reads its 413, and the connection serves
# the next request. Needs the .NET SDK and nothing from a registry.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
</Project>
X
cat > Program.cs <<'X'
using Microsoft.AspNetCore.Http.Features;

const int limit = 1_000_000, rounds = 40;
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls("http://127.0.0.1:0");
var app = builder.Build();
app.MapPost("/kestrel", http => Answer(http, limit));
app.MapPost("/own", http => Answer(http, null));
await app.StartAsync();
Console.WriteLine($"runtime {Environment.Version}");
foreach (var path in new[] { "kestrel", "own" })
{
    var lost = 0;
    for (var round = 0; round < rounds; round++)
    {
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        try
        {
            var refused = await client.PostAsync(path, new ByteArrayContent(new byte[limit + 1]));
            if ((int)refused.StatusCode != 413) throw new InvalidOperationException($"{path}: {refused.StatusCode}");
            (await client.PostAsync(path, new ByteArrayContent([1]))).EnsureSuccessStatusCode();
        }
        catch (HttpRequestException) { lost++; }
    }
    Console.WriteLine($"{path}: answers {(lost == 0 ? "all read" : "lost")}");
}
Environment.Exit(0);

static async Task Answer(HttpContext http, long? limit)
{
    http.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = limit;
    var status = http.Request.ContentLength > Program.Most ? 413 : 200;
    try
    {
        if (limit is not null || status == 200) await http.Request.Body.CopyToAsync(Stream.Null);
    }
    catch (BadHttpRequestException e)
    {
        status = e.StatusCode;
    }
    http.Response.StatusCode = status;
    http.Response.ContentLength = 0;
}

internal partial class Program
{
    internal const long Most = 1_000_000;
}
X
dotnet build -c Release --nologo -v q -o out >/dev/null
dotnet out/probe.dll | tee seen
grep -qx 'kestrel: answers lost' seen
grep -qx 'own: answers all read' seen
echo "as noted"
