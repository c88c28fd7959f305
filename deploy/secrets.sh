#!/bin/sh
# Makes the passwords that compose.yaml and deploy/kubernetes read as files, once; what is there stays.
# sh deploy/secrets.sh [FOLDER]; HOST is the database's (default: the service of that name).
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
cd "$folder"
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
keep() { [ -s "$1" ] || printf '%s' "$2" > "$1"; }
keep database_password "$(random)"
keep database_url "postgresql://bgad:$(cat database_password)@${HOST:-database}/bgad"
keep s3_user bgad
keep s3_password "$(random)"
keep s3_credentials "[default]
aws_access_key_id = $(cat s3_user)
aws_secret_access_key = $(cat s3_password)
"
chmod 0644 ./* # the containers' users are not this one; the folder stays closed
echo "secrets are in $(pwd)"
