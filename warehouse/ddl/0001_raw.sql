create database if not exists raw
